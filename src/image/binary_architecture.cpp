// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/binary_architecture.hpp"

#include <array>
#include <cstdint>
#include <elf.h>

namespace machinist {

namespace {

struct Row {
    std::uint16_t machine;
    bool wide; // ELFCLASS64
    bool little_endian;
    const char* name;
};

constexpr std::array<Row, 18> rows{{
    {EM_X86_64, true, true, "x86-64"},
    {EM_X86_64, false, true, "x86-64"}, // x32
    {EM_386, false, true, "x86"},
    {EM_AARCH64, true, true, "arm64"},
    {EM_AARCH64, true, false, "arm64-be"},
    {EM_ARM, false, true, "arm"},
    {EM_ARM, false, false, "arm-be"},
    {EM_PPC64, true, true, "ppc64-le"},
    {EM_PPC64, true, false, "ppc64"},
    {EM_PPC, false, false, "ppc"},
    {EM_S390, true, false, "s390x"},
    {EM_S390, false, false, "s390"},
    {EM_RISCV, true, true, "riscv64"},
    {EM_RISCV, false, true, "riscv32"},
    {258, true, true, "loongarch64"},
    {EM_MIPS, true, true, "mips64-le"},
    {EM_MIPS, false, true, "mips-le"},
    {EM_MIPS, false, false, "mips"},
}};

} // namespace

std::string architecture_of_elf(std::string_view header) {
    constexpr std::size_t machine_offset = 18;
    if (header.size() < machine_offset + 2 || !header.starts_with(std::string_view{ELFMAG, SELFMAG}))
        return {};
    const bool wide = header[EI_CLASS] == ELFCLASS64;
    const bool little_endian = header[EI_DATA] == ELFDATA2LSB;
    const auto low = static_cast<std::uint8_t>(header[machine_offset + (little_endian ? 0 : 1)]);
    const auto high = static_cast<std::uint8_t>(header[machine_offset + (little_endian ? 1 : 0)]);
    const auto machine = static_cast<std::uint16_t>(low | high << 8);
    for (const Row& row : rows)
        if (row.machine == machine && row.wide == wide && row.little_endian == little_endian)
            return row.name;
    return {};
}

} // namespace machinist
