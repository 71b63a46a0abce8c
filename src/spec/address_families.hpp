// SPDX-License-Identifier: LGPL-2.1-or-later
// Socket address families by name: "AF_INET6".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

std::optional<int> address_family_named(std::string_view text);
// Its number if it has no name here.
std::string address_family_name(int family);

} // namespace machinist
