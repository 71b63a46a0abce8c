// SPDX-License-Identifier: LGPL-2.1-or-later
// For which processor an ELF file was made, by the first bytes of its header. Pure.
#pragma once

#include <string>
#include <string_view>

namespace machinist {

// The name systemd uses ("x86-64", "arm64"); empty if the bytes are no ELF header or the machine is unknown.
std::string architecture_of_elf(std::string_view header);

} // namespace machinist
