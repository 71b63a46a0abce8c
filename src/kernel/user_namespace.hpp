// SPDX-License-Identifier: LGPL-2.1-or-later
// User namespaces and the ranges of ids they map.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

namespace machinist {

// The ids inside .. inside + count - 1 of a namespace are outside .. outside + count - 1 of its parent.
struct IdMap {
    std::uint32_t inside = 0;
    std::uint32_t outside = 0;
    std::uint32_t count = 0;
    friend bool operator==(const IdMap&, const IdMap&) = default;
};

// A user namespace with these maps and nobody in it: for idmapped mounts, or for setns(2) before a machine's other
// namespaces are made. The caller's own namespace is its parent. No process is left when this returns.
UniqueFd make_user_namespace(std::span<const IdMap> uids, std::span<const IdMap> gids);

// Of a file such as /proc/self/uid_map; lines that are no maps are left out.
std::vector<IdMap> read_id_maps(const std::string& file);

// Whether we are in that of the host; false also where our ids are the same as the host's.
bool in_initial_user_namespace();

// For a child of ours that was cloned into a new user namespace and waits. It must not have been reaped.
void write_id_maps(pid_t process, std::span<const IdMap> uids, std::span<const IdMap> gids);

} // namespace machinist
