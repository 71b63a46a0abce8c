// SPDX-License-Identifier: LGPL-2.1-or-later
// A look at the tree of a disk image, which changes nothing of it.
#pragma once

#include "base/unique_fd.hpp"
#include "image/disk_keys.hpp"
#include "image/image_lock.hpp"
#include "spec/disk_spec.hpp"

#include <filesystem>

namespace machinist {

// While it lasts, the process is in a mount namespace of its own, in which the image is mounted. Needs root and a
// process of one thread. Failure(busy) while a machine writes to the image.
class DiskVisit {
public:
    DiskVisit(const std::filesystem::path& image, const DiskSpec& disk, DiskKeys& keys);
    // Failure(not_permitted) where something of it is encrypted.
    DiskVisit(const std::filesystem::path& image, const DiskSpec& disk);
    DiskVisit(const DiskVisit&) = delete;
    DiskVisit& operator=(const DiskVisit&) = delete;
    ~DiskVisit();

    // The top of the tree, open for reading.
    [[nodiscard]] BorrowedFd root() const {
        return root_;
    }

private:
    void come_back();

    ImageLock lock_;
    UniqueFd mounts_;
    UniqueFd directory_;
    UniqueFd root_;
};

} // namespace machinist
