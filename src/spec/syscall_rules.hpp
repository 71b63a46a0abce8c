// SPDX-License-Identifier: LGPL-2.1-or-later
// Rules for system calls that look at arguments and choose among all answers of the kernel, as bundles have them. They
// are a filter of their own beside the machine's: of two answers the kernel takes the sterner one.
#pragma once

#include "base/enum_names.hpp"

#include <cstdint>
#include <linux/filter.h>
#include <string>
#include <vector>

namespace machinist {

// Ever sterner.
enum class SyscallAction { allow, log, refuse, trap, kill_thread, kill_process };
inline constexpr EnumNames<SyscallAction, 6> syscall_action_names{{{SyscallAction::allow, "allow"},
                                                                   {SyscallAction::log, "log"},
                                                                   {SyscallAction::refuse, "refuse"},
                                                                   {SyscallAction::trap, "trap"},
                                                                   {SyscallAction::kill_thread, "kill-thread"},
                                                                   {SyscallAction::kill_process, "kill-process"}}};

enum class Comparison { equal, not_equal, less, less_or_equal, greater_or_equal, greater, masked_equal };
inline constexpr EnumNames<Comparison, 7> comparison_names{{{Comparison::equal, "equal"},
                                                            {Comparison::not_equal, "not-equal"},
                                                            {Comparison::less, "less"},
                                                            {Comparison::less_or_equal, "less-or-equal"},
                                                            {Comparison::greater_or_equal, "greater-or-equal"},
                                                            {Comparison::greater, "greater"},
                                                            {Comparison::masked_equal, "masked-equal"}}};

struct SyscallAnswer {
    SyscallAction action = SyscallAction::allow;
    std::uint16_t error = 0; // refuse: errno
    friend bool operator==(const SyscallAnswer&, const SyscallAnswer&) = default;
};

struct SyscallCondition {
    std::uint32_t argument = 0; // 0 to 5, each at most once in a rule
    Comparison comparison = Comparison::equal;
    std::uint64_t value = 0;
    std::uint64_t mask = UINT64_MAX; // masked_equal: what of the argument is looked at
    friend bool operator==(const SyscallCondition&, const SyscallCondition&) = default;
};

struct SyscallRule {
    std::vector<std::string> calls; // names; those that an ABI has not are skipped there
    SyscallAnswer answer;
    std::vector<SyscallCondition> conditions; // all of them have to hold
};

struct SyscallRules {
    SyscallAnswer otherwise; // for calls that no rule fits
    std::vector<SyscallRule> rules;
};

// Pure. Of several rules that fit a call the sternest counts, and of equally stern ones the first. Numbers that no call
// is known for, and foreign architectures, give ENOSYS where otherwise is no permission. On 32-bit ABIs the lower
// halves are compared. Throws Failure if the kernel would not take a program of that size.
std::vector<sock_filter> build_syscall_rules(const SyscallRules& rules);

} // namespace machinist
