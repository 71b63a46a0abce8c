// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes files as another user while all capabilities stay, for as long as it lives.
#pragma once

#include <cstdint>

namespace machinist {

// Through an idmapped mount, host root is an id that has no place on the disk: creating fails with EOVERFLOW. So what
// is made for the machine is made with the machine's root as the filesystem user.
class FilesystemIds {
public:
    FilesystemIds(std::uint32_t uid, std::uint32_t gid);
    FilesystemIds(const FilesystemIds&) = delete;
    FilesystemIds& operator=(const FilesystemIds&) = delete;
    ~FilesystemIds();

private:
    long secure_bits_;
    std::uint32_t uid_before_;
    std::uint32_t gid_before_;
};

} // namespace machinist
