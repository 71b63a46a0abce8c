// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/compression.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

using namespace std::string_view_literals;

struct Known {
    Compression compression;
    std::string_view magic;
    std::string_view suffix;
    std::string_view short_suffix; // of tar archives
};
constexpr std::array known{Known{Compression::gzip, "\x1f\x8b\x08"sv, ".gz", ".tgz"},
                           Known{Compression::bzip2, "BZh"sv, ".bz2", ".tbz2"},
                           Known{Compression::xz,
                                 "\xfd"
                                 "7zXZ\0"sv,
                                 ".xz", ".txz"},
                           Known{Compression::zstd, "\x28\xb5\x2f\xfd"sv, ".zst", ".tzst"}};

bool begins_with(Bytes bytes, std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin(),
                      [](char one, std::uint8_t other) { return static_cast<std::uint8_t>(one) == other; });
}

} // namespace

Compression compression_of(Bytes beginning) {
    for (const Known& way : known)
        if (begins_with(beginning, way.magic))
            return way.compression;
    // A stream of zstd may begin with frames that are to be skipped: 0x184D2A5?.
    if (beginning.size() >= 4 && (beginning[0] & 0xf0) == 0x50 && beginning[1] == 0x2a && beginning[2] == 0x4d &&
        beginning[3] == 0x18)
        return Compression::zstd;
    return Compression::none;
}

std::optional<Compression> compression_by_suffix(std::string_view name) {
    for (const Known& way : known)
        if (name.ends_with(way.suffix) || name.ends_with(way.short_suffix))
            return way.compression;
    return std::nullopt;
}

} // namespace machinist
