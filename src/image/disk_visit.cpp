// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_visit.hpp"

#include "base/failure.hpp"
#include "image/disk_mount.hpp"
#include "image/root_mount.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"

#include <exception>
#include <fcntl.h>
#include <memory>
#include <sched.h>
#include <unistd.h>

namespace machinist {

DiskVisit::DiskVisit(const std::filesystem::path& image, const DiskSpec& disk, DiskKeys& keys)
    : lock_(lock_image(image, LockMode::shared)),
      mounts_(open_path("/proc/self/ns/mnt", O_RDONLY)),
      directory_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    try {
        enter_private_mount_namespace();
        const UniqueFd staging = open_staging_directory();
        const UniqueFd top = mount_disk(image, disk, DiskUse::read, staging, keys).top;
        root_ = open_beneath(top, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    } catch (const Failure&) {
        come_back();
        throw;
    }
}

DiskVisit::DiskVisit(const std::filesystem::path& image, const DiskSpec& disk)
    : DiskVisit(image, disk, *std::make_unique<DiskKeys>()) {}

DiskVisit::~DiskVisit() {
    come_back();
}

// Nothing that comes later may happen in the other namespace.
void DiskVisit::come_back() {
    root_.reset();
    if (::setns(mounts_.get(), CLONE_NEWNS) < 0)
        std::terminate();
    if (directory_ && ::fchdir(directory_.get()) < 0)
        (void)::chdir("/");
    let_go(lock_);
}

} // namespace machinist
