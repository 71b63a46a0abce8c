// SPDX-License-Identifier: LGPL-2.1-or-later
// From what is on a disk image to what is mounted of it: the discoverable partitions, MBR, and bare filesystems. Pure.
#pragma once

#include "spec/disk_layout.hpp"
#include "spec/disk_spec.hpp"
#include "spec/image_policy.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct DiskRequest {
    ImagePolicy policy = ImagePolicy::of_machines();
    std::string_view native = native_architecture();
    std::string_view secondary = secondary_architecture();
    std::optional<std::string> root_hash; // of the root filesystem's verity tree, hexadecimal
    bool has_verity_data = false;         // in a file beside the image
};

// Throws Failure: hostile for a table that cannot be true, not_permitted for what the policy refuses, not_found without
// a root, not_supported for filesystems that machines are not made of.
DiskSpec plan_disk(const DiskLayout& layout, const DiskRequest& request);

// Whether a filesystem may be used at all, whatever the policy says.
bool is_mountable(std::string_view filesystem);

} // namespace machinist
