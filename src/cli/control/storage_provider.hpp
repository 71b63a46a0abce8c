// SPDX-License-Identifier: LGPL-2.1-or-later
// io.systemd.StorageProvider: services of the host that give volumes, each over a socket of its own.
#pragma once

#include "base/unique_fd.hpp"
#include "cli/control/volume_text.hpp"

#include <cstdint>
#include <string>

namespace machinist {

struct Volume {
    UniqueFd descriptor;
    std::string type; // blk, reg or dir: what the descriptor is
    bool read_only = false;
    // dir: whose the files of its root and of its first group are
    std::uint32_t base_uid = 0;
    std::uint32_t base_gid = 0;
};

inline constexpr const char* storage_providers = "/run/systemd/io.systemd.StorageProvider";

// may_ask: a person, by polkit. Throws Failure: not_found for what is not there.
Volume acquire_volume(const VolumeWish& wish, bool may_ask, const std::string& providers = storage_providers);

} // namespace machinist
