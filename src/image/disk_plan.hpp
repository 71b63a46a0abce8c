// SPDX-License-Identifier: LGPL-2.1-or-later
// From what is on a disk image to what is mounted of it: the discoverable partitions, MBR, and bare filesystems. Pure.
#pragma once

#include "spec/disk_layout.hpp"
#include "spec/disk_spec.hpp"
#include "spec/image_policy.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

// What somebody vouches for with a filesystem's root hash.
struct VerityRequest {
    std::string root_hash;                // hexadecimal
    std::string signature = {};           // PKCS#7; "" for none
    std::filesystem::path tree_file = {}; // with the tree of hashes; empty: a partition of the image has it
};

struct DiskRequest {
    ImagePolicy policy = ImagePolicy::of_machines();
    std::string_view native = native_architecture();
    std::string_view secondary = secondary_architecture();
    std::optional<VerityRequest> root = {};
    std::optional<VerityRequest> usr = {};
};

// Throws Failure: hostile for a table that cannot be true, not_permitted for what the policy refuses, not_found without
// a root, not_supported for filesystems that machines are not made of.
DiskSpec plan_disk(const DiskLayout& layout, const DiskRequest& request);

// Which partition tells the root hash of the root or of /usr, where the policy has use for one: there are verity data,
// and nobody has named a hash. Throws Failure as plan_disk().
std::optional<Partition> signature_partition(const DiskLayout& layout, const DiskRequest& request, Designator data);

// Whether a filesystem may be used at all, whatever the policy says.
bool is_mountable(std::string_view filesystem);

} // namespace machinist
