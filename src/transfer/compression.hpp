// SPDX-License-Identifier: LGPL-2.1-or-later
// The ways in which a transferred stream may be packed, told by what is in it and not by its name.
#pragma once

#include "base/enum_names.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace machinist {

using Bytes = std::span<const std::uint8_t>;
using WritableBytes = std::span<std::uint8_t>;

enum class Compression : std::uint8_t { none, gzip, bzip2, xz, zstd };
inline constexpr EnumNames<Compression, 5> compression_names{{{Compression::none, "uncompressed"},
                                                              {Compression::gzip, "gzip"},
                                                              {Compression::bzip2, "bzip2"},
                                                              {Compression::xz, "xz"},
                                                              {Compression::zstd, "zstd"}}};

// So many bytes of the beginning are enough to tell.
inline constexpr std::size_t compression_magic_size = 6;
Compression compression_of(Bytes beginning);

// "web.tar.zst", for files that are to be written. Nothing if the name does not end in a suffix of any.
std::optional<Compression> compression_by_suffix(std::string_view name);

} // namespace machinist
