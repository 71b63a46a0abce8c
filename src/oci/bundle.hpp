// SPDX-License-Identifier: LGPL-2.1-or-later
// An OCI bundle (runtime specification 1.x): its config.json as settings of a machine. Pure.
#pragma once

#include "spec/problem.hpp"
#include "spec/settings.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace machinist {

// A node of the host that the bundle wants in the machine: it has to be this very device there.
struct BundleDevice {
    Path path;
    bool is_block = false;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
};

struct Bundle {
    Path root; // absolute
    Settings settings;
    std::vector<BundleDevice> devices; // bound by settings.extra_mounts
    Problems problems;
    Problems warnings;
};

inline constexpr std::size_t largest_bundle_file = std::size_t{4} << 20;

// directory: of the bundle, absolute. What is asked for and not done is a problem where the machine would have more
// than it is to have or would not work without, else a warning.
Bundle read_bundle(std::string_view config, const Path& directory, Manner manner);

} // namespace machinist
