// SPDX-License-Identifier: LGPL-2.1-or-later
// How much an archive may ask for. Whatever is above is refused and says which limit it was (rule R15).
#pragma once

#include <cstddef>
#include <cstdint>

namespace machinist {

struct ExtractionLimits {
    std::uint64_t entries = 4'000'000;
    std::uint64_t bytes = std::uint64_t{4} << 40; // of all files together, holes counted
    std::size_t path = 4095;
    std::size_t depth = 256;
    std::size_t attributes = std::size_t{1} << 20; // of one entry, all of its extended attributes
    // Unpacked bytes a packed one, looked at only above the second figure: disks full of zeros pack well.
    std::uint64_t ratio = 400;
    std::uint64_t ratio_counts_from = std::uint64_t{1} << 30;
};

} // namespace machinist
