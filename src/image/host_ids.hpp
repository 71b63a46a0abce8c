// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether somebody on the host has ids in a range already: users, groups, or ranges given to users.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace machinist {

struct HostIdSources {
    std::filesystem::path etc; // passwd, group, subuid, subgid, nsswitch.conf
    std::string getent;        // run where the user database is more than files; empty: never
};

// As systemd-nspawn does it, databases that cannot be listed are asked for the first id and the last but one.
bool host_knows_ids(std::uint32_t base, std::uint32_t size, const HostIdSources& sources);

} // namespace machinist
