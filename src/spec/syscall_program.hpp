// SPDX-License-Identifier: LGPL-2.1-or-later
// Classic BPF for a syscall filter: blocks that answer a call, and the search that leads from a number to its block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <linux/filter.h>
#include <span>
#include <vector>

namespace machinist {

// Instructions that end with an answer whatever happens; they may look at the arguments of the call.
using AnswerBlock = std::vector<sock_filter>;

AnswerBlock answer_allow();
AnswerBlock answer_errno(int number);
// Looks at the lower 32 bits of an argument: the kernel looks no further where it takes an int or flags that fit.
AnswerBlock answer_errno_if_any_bit(unsigned argument, std::uint32_t bits, int number);
AnswerBlock answer_errno_if_equal(unsigned argument, std::initializer_list<std::uint32_t> values, int number);
// The other way round: success without doing anything, but for arguments with one of the bits.
AnswerBlock pretend_success_unless_any_bit(unsigned argument, std::uint32_t bits);

// For socket(2) and socketpair(2): EAFNOSUPPORT for families that are not among the allowed ones (or, without
// allow_listed, for those that are among the families), and for the audit protocol of netlink.
AnswerBlock answer_socket(bool allow_listed, std::span<const int> families, bool netlink_allowed);

// From this number on (up to the next run's first) calls get this block.
struct SyscallRun {
    std::uint32_t first = 0;
    std::uint16_t block = 0;
};

struct AbiRuns {
    std::uint32_t audit_architecture = 0;
    std::vector<SyscallRun> runs; // sorted; the first begins at 0
};

// Whole program: the architecture chooses the runs, a balanced binary search the block. Nothing but loads of number
// and architecture, comparisons and answers stands before a block, so the kernel can work out beforehand which
// numbers always pass and skips the program for these. Foreign architectures get the block 0.
std::vector<sock_filter> assemble_syscall_program(std::span<const AbiRuns> abis, std::span<const AnswerBlock> blocks);

} // namespace machinist
