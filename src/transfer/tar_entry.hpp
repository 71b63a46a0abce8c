// SPDX-License-Identifier: LGPL-2.1-or-later
// What a tar archive says of one file, checked as far as that can be done without looking at a tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <time.h>
#include <utility>
#include <vector>

namespace machinist {

enum class EntryType : std::uint8_t {
    file,
    directory,
    symlink,
    hard_link,
    fifo,
    socket,
    character_device,
    block_device
};

struct EntryAttributes {
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    mode_t mode = 0; // with set-id and sticky bits, without the type
    std::optional<timespec> modified;
    // As the kernel takes them: access lists are "system.posix_acl_access" and "system.posix_acl_default".
    std::vector<std::pair<std::string, std::string>> extended;
};

struct TarEntry {
    std::string path; // as the archive has it
    EntryType type = EntryType::file;
    std::uint64_t size = 0;  // of a file
    std::string link_target; // of links: where a symbolic one leads, which path a hard one is another name of
    unsigned device_major = 0;
    unsigned device_minor = 0;
    EntryAttributes attributes;
};

} // namespace machinist
