// SPDX-License-Identifier: LGPL-2.1-or-later
// Which extended attributes travel with a tree. Pure.
#pragma once

#include <string_view>

namespace machinist {

// None that means something to the host's kernel: "trusted.overlay.redirect", for one, lets whoever mounts the tree as
// a layer see other trees.
inline bool is_wanted_attribute(std::string_view name) {
    if (name.starts_with("user."))
        return !name.starts_with("user.overlay.");
    return name == "security.capability" || name == "security.selinux" || name.starts_with("security.SMACK64");
}

} // namespace machinist
