// SPDX-License-Identifier: LGPL-2.1-or-later
// The signature partition of a verified filesystem: a JSON document with its root hash, as the discoverable partitions
// specification has it.
#pragma once

#include "dissect/disk_probing.hpp"
#include "spec/disk_opening.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace machinist::dissect {

inline constexpr std::uint64_t largest_signature_partition = 4 << 20;

// text: what stands before the first zero byte. Whether the signature is one is not looked at.
SignedHash parse_root_hash_document(std::string_view text);

// Nothing: the partition is empty, nobody has signed yet. Throws Failure(hostile).
std::optional<SignedHash> read_root_hash(const Disk& disk, std::uint64_t offset, std::uint64_t size);

} // namespace machinist::dissect
