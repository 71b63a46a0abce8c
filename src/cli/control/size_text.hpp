// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers of bytes for people, as systemd's programs write them.
#pragma once

#include <cstdint>
#include <string>

namespace machinist {

// "512B", "1.5K", "2G": powers of 1024.
std::string size_text(std::uint64_t bytes);

} // namespace machinist
