// SPDX-License-Identifier: LGPL-2.1-or-later
// What a header of rpm's database says of its package. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct RpmPackage {
    std::string name;         // "bash:x86_64"
    std::string full_version; // "1:5.2-3.fc40", without an epoch "5.2-3.fc40"
};

// Nothing if the bytes are no header of a package with name and version.
std::optional<RpmPackage> read_rpm_header(std::string_view bytes);

} // namespace machinist
