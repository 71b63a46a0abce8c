// SPDX-License-Identifier: LGPL-2.1-or-later
// Trees that a user of the host without rights over machines may start: directories that are theirs, where nobody else
// reaches what a machine makes in them.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace machinist {

// Opened for reading with the user's own rights, and looked at afterwards: who exchanges the path gains nothing. Each
// use opens it anew, so that what is used is what was judged. Failure(not_permitted) unless the directory belongs to
// the user, or to the first of the foreign range in a directory of the user's; and unless others are kept out by it or
// by a directory of the user's or root's above it.
UniqueFd open_owned_tree(const std::filesystem::path& path, const PlainUser& owner);

// How ids on disk become the host's ids of the machine whose range begins at base. What belongs to the user is the
// machine's root's; what its other users own lies on disk in the foreign range.
struct OwnedTreeMaps {
    std::vector<IdMap> users;
    std::vector<IdMap> groups;
};
// Pure. tree_owner: of the tree's top.
OwnedTreeMaps maps_of_owned_tree(const PlainUser& owner, std::uint32_t tree_owner, std::uint32_t base);

// As the host's database has it; Failure(not_found) for a number that is nobody's.
PlainUser plain_user(std::uint32_t uid, const std::filesystem::path& passwd = "/etc/passwd");

} // namespace machinist
