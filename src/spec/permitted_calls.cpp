// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/permitted_calls.hpp"

#include "spec/syscall_program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/audit.h>
#include <sched.h>
#include <sys/syscall.h>
#include <utility>

namespace machinist {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t own_abi = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t own_abi = AUDIT_ARCH_AARCH64;
#elif defined(__riscv)
constexpr std::uint32_t own_abi = AUDIT_ARCH_RISCV64;
#elif defined(__s390x__)
constexpr std::uint32_t own_abi = AUDIT_ARCH_S390X;
#elif defined(__powerpc64__)
constexpr std::uint32_t own_abi = AUDIT_ARCH_PPC64LE;
#else
#error "the filter does not know this architecture"
#endif

#if defined(__s390x__)
constexpr unsigned clone_flags = 1;
#else
constexpr unsigned clone_flags = 0;
#endif

constexpr std::uint32_t new_namespaces =
    CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWUSER;

enum Block : std::uint16_t { refused, allowed, as_thread, unknown };

} // namespace

std::vector<sock_filter> permit_calls(const std::vector<std::uint32_t>& numbers, bool threads) {
    std::vector<std::pair<std::uint32_t, Block>> answers;
    for (const std::uint32_t number : numbers)
        answers.emplace_back(number, allowed);
    if (threads) {
        answers.emplace_back(__NR_clone, as_thread);
        answers.emplace_back(__NR_clone3, unknown);
    }
    std::ranges::sort(answers);
    AbiRuns abi{own_abi, {{0, refused}}};
    for (const auto& [number, block] : answers) {
        if (abi.runs.back().first == number)
            abi.runs.back().block = block;
        else
            abi.runs.push_back({number, block});
        abi.runs.push_back({number + 1, refused});
    }
    const std::array blocks{answer_errno(EPERM), answer_allow(),
                            answer_errno_if_any_bit(clone_flags, new_namespaces, EPERM), answer_errno(ENOSYS)};
    return assemble_syscall_program(std::span{&abi, 1}, blocks);
}

} // namespace machinist
