// SPDX-License-Identifier: LGPL-2.1-or-later
// Classic BPF that looks at all arguments of a system call, whole, and chooses among several answers.
#pragma once

#include "spec/syscall_program.hpp"
#include "spec/syscall_rules.hpp"

#include <span>

namespace machinist {

struct ConditionalAnswer {
    std::span<const SyscallCondition> conditions; // at most one for each argument; none: it always fits
    std::uint32_t value = 0;                      // SECCOMP_RET_*
};

// is_narrow: arguments have 32 bits, and no more of what they are compared with counts.
AnswerBlock answer_first_that_fits(std::span<const ConditionalAnswer> answers, std::uint32_t otherwise, bool is_narrow);

} // namespace machinist
