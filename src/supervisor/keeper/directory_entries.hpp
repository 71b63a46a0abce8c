// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a directory without the heap that readdir(3) takes.
#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist::keeper {

class DirectoryEntries {
public:
    // From the directory's beginning.
    explicit DirectoryEntries(BorrowedFd directory) : directory_(directory) {
        ::lseek(directory.get(), 0, SEEK_SET);
    }

    // The next entry but "." and ".."; null at the end. Valid until the next call.
    const dirent64* next() {
        for (;;) {
            if (position_ >= end_) {
                const long size = ::syscall(SYS_getdents64, directory_.get(), buffer_, sizeof buffer_);
                if (size <= 0)
                    return nullptr;
                position_ = 0;
                end_ = static_cast<std::size_t>(size);
            }
            const auto* entry = reinterpret_cast<const dirent64*>(buffer_ + position_);
            position_ += entry->d_reclen;
            const char* name = entry->d_name;
            if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
                continue;
            return entry;
        }
    }

private:
    BorrowedFd directory_;
    std::size_t position_ = 0;
    std::size_t end_ = 0;
    alignas(dirent64) char buffer_[2048];
};

} // namespace machinist::keeper
