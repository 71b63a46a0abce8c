// SPDX-License-Identifier: LGPL-2.1-or-later
// What machinist-image does with images of the pool on behalf of another program. Its answer is written as that of
// machinist-enter; text that is too long for the message lies in a file, which comes as a descriptor.
#pragma once

#include "base/enum_names.hpp"

#include <string>
#include <vector>

namespace machinist {

enum class ImageErrandKind {
    clone,        // NAME NEW-NAME yes|no: read-only
    rename,       // NAME NEW-NAME
    remove,       // NAME
    read_only,    // NAME yes|no
    limit,        // NAME BYTES; "-": none
    pool_limit,   // BYTES
    clean,        // hidden|all -> "BYTES NAME" a line
    hostname,     // NAME -> text
    machine_id,   // NAME -> 32 digits, or nothing
    machine_info, // NAME -> "KEY=VALUE" a line
    os_release,   // NAME -> the same
};
inline constexpr EnumNames<ImageErrandKind, 11> image_errand_names{{{ImageErrandKind::clone, "clone"},
                                                                    {ImageErrandKind::rename, "rename"},
                                                                    {ImageErrandKind::remove, "remove"},
                                                                    {ImageErrandKind::read_only, "read-only"},
                                                                    {ImageErrandKind::limit, "limit"},
                                                                    {ImageErrandKind::pool_limit, "pool-limit"},
                                                                    {ImageErrandKind::clean, "clean"},
                                                                    {ImageErrandKind::hostname, "hostname"},
                                                                    {ImageErrandKind::machine_id, "machine-id"},
                                                                    {ImageErrandKind::machine_info, "machine-info"},
                                                                    {ImageErrandKind::os_release, "os-release"}}};

struct ImageErrand {
    ImageErrandKind kind = ImageErrandKind::hostname;
    std::vector<std::string> words = {};
};

} // namespace machinist
