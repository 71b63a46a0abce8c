// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/device_text.hpp"

#include "spec/mount_text.hpp"

#include <string>

namespace machinist {

std::optional<DeviceSpec> parse_device(std::string_view text) {
    const auto colon = text.rfind(':');
    const std::string_view access = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    const bool has_access = !access.empty() && access.find_first_not_of("rwm") == std::string_view::npos;
    const auto path = destination_path(has_access ? text.substr(0, colon) : text);
    if (!path || !path->native().starts_with("/dev/"))
        return std::nullopt;
    return DeviceSpec{.path = *path, .access = has_access ? std::string{access} : "rwm"};
}

} // namespace machinist
