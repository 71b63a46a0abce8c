// SPDX-License-Identifier: LGPL-2.1-or-later
// What somebody without rights over machines may say of a machine of their own. All else is refused.
#pragma once

#include <span>
#include <string_view>

namespace machinist {

struct Option;

// Names of options. Not among them is whatever names a path, a link or a port of the host, gives the machine more than
// others have, or would be told to others than its user.
std::span<const std::string_view> options_of_plain_users();

// Also by its key. An option may be one of those and yet be refused later for its value.
bool may_plain_user_give(const Option& row);

// How many machines one of them may have at once, where nobody says otherwise.
inline constexpr unsigned machines_of_plain_user = 8;

} // namespace machinist
