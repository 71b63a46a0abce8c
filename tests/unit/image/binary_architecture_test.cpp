// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/binary_architecture.hpp"

#include "kernel/files.hpp"

#include <elf.h>
#include <gtest/gtest.h>

using namespace machinist;

namespace {

std::string header(unsigned char word, unsigned char order, std::uint16_t machine) {
    std::string bytes = "\x7f"
                        "ELF";
    bytes.resize(20, '\0');
    bytes[EI_CLASS] = static_cast<char>(word);
    bytes[EI_DATA] = static_cast<char>(order);
    const bool little = order == ELFDATA2LSB;
    bytes[little ? 18 : 19] = static_cast<char>(machine & 0xff);
    bytes[little ? 19 : 18] = static_cast<char>(machine >> 8);
    return bytes;
}

} // namespace

TEST(AnElfHeader, NamesItsArchitectureAsSystemdDoes) {
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2LSB, EM_X86_64)), "x86-64");
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS32, ELFDATA2LSB, EM_386)), "x86");
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2LSB, EM_AARCH64)), "arm64");
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2MSB, EM_S390)), "s390x");
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2LSB, EM_RISCV)), "riscv64");
}

TEST(AnElfHeader, TellsByteOrdersApart) {
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2MSB, EM_PPC64)), "ppc64");
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2LSB, EM_PPC64)), "ppc64-le");
}

TEST(AnElfHeader, IsNoneIfItIsShortOrSomethingElse) {
    EXPECT_EQ(architecture_of_elf(""), "");
    EXPECT_EQ(architecture_of_elf("\x7f"
                                  "ELF"),
              "");
    EXPECT_EQ(architecture_of_elf("#!/bin/sh\necho hello world\n"), "");
    EXPECT_EQ(architecture_of_elf(header(ELFCLASS64, ELFDATA2LSB, 0xfffe)), "");
}
