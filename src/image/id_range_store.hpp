// SPDX-License-Identifier: LGPL-2.1-or-later
// The 64K range of user and group ids that each machine has for itself (rule R6): chosen once, kept for its name,
// locked while the machine runs.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct IdRange {
    std::uint32_t base = 0;
    UniqueFd lock;                   // held for as long as the machine runs
    std::filesystem::path lock_file; // for the undo line "lock PATH"
};

struct IdRangeRequest {
    std::string name;                        // the machine's; of an ephemeral one: the name it is an instance of
    std::optional<std::uint32_t> tree_owner; // uid that owns the image's root
    bool remember = true;                    // keep the range for the name
};

class IdRangeStore {
public:
    static constexpr std::uint32_t first = 524288;
    static constexpr std::uint32_t last = 1878982656;
    static constexpr std::uint32_t size = 65536;

    struct Places {
        std::filesystem::path stored = "/var/lib/machinist/id-ranges";
        std::filesystem::path locks = "/run/systemd/nspawn-uid";
        // passwd, group, subuid, subgid, nsswitch.conf
        std::filesystem::path etc = "/etc";
        // Asks the host's user database where that is more than files; empty: it is not asked.
        std::string getent = "/usr/bin/getent";
        // Inside of a machine only what this maps can be given on.
        std::string id_map = "/proc/self/uid_map";
    };

    IdRangeStore();
    explicit IdRangeStore(Places places);

    // A free range, locked: the stored one, the one that owns the tree, the one of the name's hash, a random one. Where
    // nearly all are kept for names, the one that was not used for longest is taken from its name: most names are of
    // machines that never come back. Throws Failure(busy) if none can be had.
    IdRange pick(const IdRangeRequest& request) const;
    // One more for a machine that has its own, for this time only.
    IdRange pick_another() const;
    // What is kept for the name, locked or not.
    std::optional<std::uint32_t> stored(std::string_view name) const;
    // The image is gone: others may have the range.
    void forget(std::string_view name) const;

    // The first candidate that the name stands for, as systemd-nspawn computes it.
    static std::uint32_t of_name(std::string_view name);

private:
    std::optional<IdRange> try_any(const IdRangeRequest& request) const;
    std::optional<IdRange> take_over_longest_unused(const IdRangeRequest& request) const;
    std::vector<std::string> longest_unused_first() const;
    void note_use(const std::string& name) const;
    std::optional<IdRange> try_candidate(const IdRangeRequest& request, std::uint32_t base) const;
    std::filesystem::path lock_path(std::uint32_t base) const;
    std::optional<UniqueFd> lock_range(std::uint32_t base) const;
    bool is_owned_by_other(std::string_view name, std::uint32_t base) const;
    bool keep(std::string_view name, std::uint32_t base) const;

    Places places_;
};

// --private-users=yes: the range that owns the tree. Failure(invalid) unless the owner is the first of a 64K range and
// the group is the same.
std::uint32_t range_of_owner(std::uint32_t uid, std::uint32_t gid);

} // namespace machinist
