// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/file_locks.hpp"

#include "base/text.hpp"
#include "kernel/files.hpp"

#include <cstdio>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace machinist {

bool is_locked(BorrowedFd file) {
    const struct stat status = status_of(file);
    char wanted[64];
    std::snprintf(wanted, sizeof wanted, "%02x:%02x:%lu", ::major(status.st_dev), ::minor(status.st_dev),
                  static_cast<unsigned long>(status.st_ino));
    const std::string table = read_file("/proc/locks");
    for (const std::string_view line : split(table, '\n')) {
        // "1: FLOCK  ADVISORY  WRITE 734 00:1a:44 0 EOF"; those who wait have "->" as the second word.
        const auto words = split_words(line);
        if (words.size() > 5 && words[1] != "->" && words[5] == wanted)
            return true;
    }
    return false;
}

} // namespace machinist
