// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk image as part of a spec: which parts of it are mounted where.
#pragma once

#include "base/enum_names.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

enum class DiskProtection { none, verity, luks };
inline constexpr EnumNames<DiskProtection, 3> disk_protection_names{
    {{DiskProtection::none, "none"}, {DiskProtection::verity, "verity"}, {DiskProtection::luks, "luks"}}};

// What vouches for the bytes of a filesystem: a tree of their hashes, and the hash at its top.
struct DiskVerity {
    std::string root_hash;           // hexadecimal, lower case
    std::string signature;           // of root_hash, PKCS#7; "" for none
    std::filesystem::path tree_file; // that holds the tree; empty: the image itself
    std::uint64_t tree_offset = 0;   // bytes
    std::uint64_t tree_size = 0;     // 0: to the end of the file
};

// One filesystem of the image.
struct DiskMount {
    std::string name; // "partition 2 (root)", for sentences
    // Where, in the machine's tree. More than one: the first that is an empty directory there, else nowhere.
    std::vector<std::filesystem::path> places;
    std::uint64_t offset = 0; // bytes of the image
    std::uint64_t size = 0;
    std::string filesystem;
    bool read_only = false;
    bool grows = false; // to the size of its partition
    DiskProtection protection = DiskProtection::none;
    std::optional<DiskVerity> verity;
    std::vector<std::string> may_hold; // luks: the filesystems that it may turn out to hold
};

struct DiskSpec {
    std::uint32_t sector_size = 512;
    std::vector<DiskMount> mounts; // parents before children; without one on "/" the top is memory
    // Of the top of its tree: whose range of ids it has.
    std::uint32_t owner_uid = 0;
    std::uint32_t owner_gid = 0;
};

} // namespace machinist
