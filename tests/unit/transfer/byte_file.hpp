// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes as a file that can be read from its beginning.
#pragma once

#include "kernel/files.hpp"

#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist::testing {

inline UniqueFd file_with(std::string_view bytes) {
    UniqueFd file{::memfd_create("bytes", MFD_CLOEXEC)};
    write_all(file, bytes);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

} // namespace machinist::testing
