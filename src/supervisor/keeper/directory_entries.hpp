// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a directory without the heap that readdir(3) takes.
#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <dirent.h>
#include <span>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist::keeper {

class DirectoryEntries {
public:
    // From the directory's beginning. The buffer must not be used by another one that is still read.
    DirectoryEntries(BorrowedFd directory, std::span<char> buffer) : directory_(directory), buffer_(buffer) {
        ::lseek(directory.get(), 0, SEEK_SET);
    }

    // The next entry but "." and ".."; null at the end. Valid until the next call.
    const dirent64* next() {
        for (;;) {
            if (position_ >= end_) {
                const long size = ::syscall(SYS_getdents64, directory_.get(), buffer_.data(), buffer_.size());
                if (size <= 0)
                    return nullptr;
                position_ = 0;
                end_ = static_cast<std::size_t>(size);
            }
            const auto* entry = reinterpret_cast<const dirent64*>(buffer_.data() + position_);
            position_ += entry->d_reclen;
            const char* name = entry->d_name;
            if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
                continue;
            return entry;
        }
    }

private:
    BorrowedFd directory_;
    std::span<char> buffer_;
    std::size_t position_ = 0;
    std::size_t end_ = 0;
};

} // namespace machinist::keeper
