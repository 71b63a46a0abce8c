// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/plain_user_options.hpp"

#include "spec/option_table.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

constexpr auto options = std::to_array<std::string_view>({
    // how it writes
    "ephemeral",
    "layer",
    "read-only",
    "volatile",
    // what runs
    "boot",
    "as-pid2",
    "chdir",
    "setenv",
    "uid",
    "kill-signal",
    "notify-ready",
    "suppress-sync",
    // who it is
    "hostname",
    "uuid",
    // its network: none, or a link to the service's
    "private-network",
    "network-veth",
    // its users: resolving knows how many ranges
    "private-users-delegate",
    // less than others have
    "drop-capability",
    "no-new-privileges",
    "restrict-address-families",
    "personality",
    // how it fits into the host
    "resolv-conf",
    "timezone",
    "background",
    "set-credential",
});

} // namespace

std::span<const std::string_view> options_of_plain_users() {
    return options;
}

bool may_plain_user_give(const Option& row) {
    return std::ranges::find(options, std::string_view{row.name}) != options.end();
}

} // namespace machinist
