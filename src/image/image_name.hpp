// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of images: wider than those of machines, as systemd-machined takes them. Pure.
#pragma once

#include <string_view>

namespace machinist {

// The host's own root.
inline constexpr std::string_view host_image_name = ".host";

// A file name that is printable UTF-8. ".#..." is none: that is what is being made or removed.
bool is_image_name(std::string_view text);
// Not listed unless asked for, never started read-write.
bool is_hidden_image_name(std::string_view name);
// Throws Failure(invalid) with both reasons a name can be refused for a new image.
void check_new_image_name(std::string_view name);

} // namespace machinist
