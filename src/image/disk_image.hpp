// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk image as a person names it: a file or a block device, and what lies beside it.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/disk_layout.hpp"
#include "spec/disk_spec.hpp"
#include "spec/image_policy.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace machinist {

// What the caller wants of it.
struct DiskWishes {
    std::optional<ImagePolicy> policy;
    // Else of the attribute user.verity.roothash or the file NAME.roothash, NAME.roothash.p7s, NAME.verity, or of the
    // image's own signature partition.
    std::optional<std::string> root_hash;
    std::optional<std::string> root_hash_signature; // its bytes
    std::optional<std::filesystem::path> verity_data;
};

// A regular file or a block device; false if there is nothing.
bool is_disk_image(const std::filesystem::path& path);

// Throws Failure(invalid) for anything else.
UniqueFd open_disk_image(const std::filesystem::path& path, int flags);

// Neither its mode nor its filesystem nor its device keep root from it.
bool can_be_written(const std::filesystem::path& path);

DiskLayout read_disk_layout(const std::filesystem::path& path);
// What a machine would mount of it; nothing is mounted. The owner is not known from this.
DiskSpec inspect_disk(const std::filesystem::path& path, const DiskWishes& wishes = {});

} // namespace machinist
