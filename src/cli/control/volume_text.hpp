// SPDX-License-Identifier: LGPL-2.1-or-later
// How a volume of a storage provider is asked for: PROVIDER:VOLUME[:CONFIG[:KEY=VALUE,...]], as machinectl has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct VolumeWish {
    std::string provider;
    std::string volume;
    std::string config = {}; // how the machine gets it: a path of a container, a kind of device of a virtual machine
    std::string create = {}; // any, new or open; empty: as the provider does
    std::string model = {};  // what a new one is made by
    std::string request_as = {}; // blk, reg or dir; empty: as it is
    std::optional<bool> read_only = {};
    std::optional<std::uint64_t> size = {}; // of a new one

    // What it goes by in the machine.
    [[nodiscard]] std::string name() const {
        return provider + ":" + volume;
    }
};

// Throws Failure(invalid).
VolumeWish parse_volume(std::string_view text);

} // namespace machinist
