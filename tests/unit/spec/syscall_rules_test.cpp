// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/syscall_rules.hpp"

#include "base/failure.hpp"
#include "filter_interpreter.hpp"
#include "spec/syscall_table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <optional>
#include <string_view>

namespace machinist {
namespace {

using Arguments = std::array<std::uint64_t, 6>;

constexpr SyscallAnswer allowed{SyscallAction::allow, 0};
constexpr SyscallAnswer refused{SyscallAction::refuse, EPERM};

std::uint32_t answer(const SyscallRules& rules, std::size_t abi, std::uint32_t number,
                     const Arguments& arguments = {}) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = syscall_data::abis.at(abi).audit_architecture;
    std::ranges::copy(arguments, data.args);
    return interpret(build_syscall_rules(rules), data);
}

std::uint32_t number_of(std::size_t abi, std::string_view name) {
    for (const auto& call : syscall_data::abis.at(abi).calls)
        if (static_cast<SyscallId>(call.id) == find_syscall(name))
            return call.number;
    throw std::logic_error("the ABI has no call of this name");
}

// On the native ABI.
std::uint32_t answer(const SyscallRules& rules, std::string_view name, const Arguments& arguments = {}) {
    return answer(rules, 0, number_of(0, name), arguments);
}

SyscallRules one_rule(std::vector<SyscallCondition> conditions) {
    return {allowed, {{{"dup"}, refused, std::move(conditions)}}};
}

constexpr std::uint32_t eperm = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint64_t high = std::uint64_t{1} << 32;

} // namespace

TEST(RulesForSystemCalls, GiveAllAnswersOfTheKernel) {
    const SyscallRules rules{allowed,
                             {{{"read"}, {SyscallAction::refuse, ENOTTY}, {}},
                              {{"write"}, {SyscallAction::trap, 0}, {}},
                              {{"close"}, {SyscallAction::kill_thread, 0}, {}},
                              {{"dup"}, {SyscallAction::kill_process, 0}, {}},
                              {{"dup3"}, {SyscallAction::log, 0}, {}}}};

    EXPECT_EQ(answer(rules, "read"), SECCOMP_RET_ERRNO | ENOTTY);
    EXPECT_EQ(answer(rules, "write"), SECCOMP_RET_TRAP);
    EXPECT_EQ(answer(rules, "close"), SECCOMP_RET_KILL_THREAD);
    EXPECT_EQ(answer(rules, "dup"), SECCOMP_RET_KILL_PROCESS);
    EXPECT_EQ(answer(rules, "dup3"), SECCOMP_RET_LOG);
    EXPECT_EQ(answer(rules, "getpid"), SECCOMP_RET_ALLOW);
}

TEST(RulesForSystemCalls, CompareWholeArguments) {
    struct Case {
        Comparison comparison;
        std::uint64_t value;
        std::vector<std::uint64_t> fitting;
        std::vector<std::uint64_t> others;
    };
    const Case cases[] = {
        {Comparison::equal, high + 5, {high + 5}, {5, high, 2 * high + 5, high + 4}},
        {Comparison::not_equal, high + 5, {5, high, 2 * high + 5, 0}, {high + 5}},
        {Comparison::less, high + 5, {0, high + 4, 7, UINT32_MAX}, {high + 5, high + 6, 2 * high}},
        {Comparison::less_or_equal, high + 5, {high + 5, 9, 0}, {high + 6, 2 * high, UINT64_MAX}},
        {Comparison::greater, high + 5, {high + 6, 2 * high, UINT64_MAX}, {high + 5, 9, 0}},
        {Comparison::greater_or_equal, high + 5, {high + 5, 2 * high}, {high + 4, 0, UINT32_MAX}},
    };
    for (const auto& [comparison, value, fitting, others] : cases) {
        const SyscallRules rules = one_rule({{3, comparison, value, UINT64_MAX}});
        const auto name = name_of(comparison_names, comparison);
        for (const std::uint64_t argument : fitting)
            EXPECT_EQ(answer(rules, "dup", {0, 0, 0, argument}), eperm) << name << " " << argument;
        for (const std::uint64_t argument : others)
            EXPECT_EQ(answer(rules, "dup", {0, 0, 0, argument}), SECCOMP_RET_ALLOW) << name << " " << argument;
    }
}

TEST(RulesForSystemCalls, CompareBitsOfArguments) {
    const SyscallRules rules = one_rule({{0, Comparison::masked_equal, high | 4, high | 6}});

    EXPECT_EQ(answer(rules, "dup", {high | 4}), eperm);
    EXPECT_EQ(answer(rules, "dup", {high | 4 | 1 | high << 4}), eperm);
    EXPECT_EQ(answer(rules, "dup", {high | 6}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(answer(rules, "dup", {4}), SECCOMP_RET_ALLOW);
}

TEST(RulesForSystemCalls, FitOnlyIfAllConditionsHold) {
    const SyscallRules rules = one_rule({{0, Comparison::equal, 1, UINT64_MAX},
                                         {1, Comparison::greater, 2, UINT64_MAX},
                                         {5, Comparison::not_equal, 3, UINT64_MAX}});

    EXPECT_EQ(answer(rules, "dup", {1, 3, 0, 0, 0, 0}), eperm);
    EXPECT_EQ(answer(rules, "dup", {0, 3, 0, 0, 0, 0}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(answer(rules, "dup", {1, 2, 0, 0, 0, 0}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(answer(rules, "dup", {1, 3, 0, 0, 0, 3}), SECCOMP_RET_ALLOW);
}

TEST(RulesForSystemCalls, GiveTheSternestAnswerThatFits) {
    const SyscallCondition if_one{0, Comparison::equal, 1, UINT64_MAX};
    const SyscallCondition if_small{0, Comparison::less, 5, UINT64_MAX};
    const SyscallRules rules{refused,
                             {{{"dup", "dup"}, allowed, {if_small}},
                              {{"dup"}, {SyscallAction::kill_process, 0}, {if_one}},
                              {{"dup"}, {SyscallAction::refuse, EACCES}, {if_one}},
                              {{"read"}, allowed, {}},
                              {{"read"}, {SyscallAction::refuse, EACCES}, {}},
                              {{"read"}, {SyscallAction::refuse, ENOENT}, {}}}};

    EXPECT_EQ(answer(rules, "dup", {1}), SECCOMP_RET_KILL_PROCESS);
    EXPECT_EQ(answer(rules, "dup", {2}), SECCOMP_RET_ALLOW);
    EXPECT_EQ(answer(rules, "dup", {5}), eperm);
    EXPECT_EQ(answer(rules, "read"), SECCOMP_RET_ERRNO | EACCES);
}

TEST(RulesForSystemCalls, HideWhatNobodyKnows) {
    EXPECT_EQ(answer({refused, {}}, 0, 5000), SECCOMP_RET_ERRNO | ENOSYS);
    EXPECT_EQ(answer({{SyscallAction::kill_process, 0}, {}}, 0, 5000), SECCOMP_RET_ERRNO | ENOSYS);
    EXPECT_EQ(answer({allowed, {}}, 0, 5000), SECCOMP_RET_ALLOW);
}

TEST(RulesForSystemCalls, LookAtWhatA32BitCallCanPass) {
    if (syscall_data::abis.size() < 2 || (syscall_data::abis[1].audit_architecture & __AUDIT_ARCH_64BIT) != 0)
        GTEST_SKIP() << "this architecture has no ABI of 32 bits";
    // -1 as a 64-bit program passes it.
    const SyscallRules rules = one_rule({{0, Comparison::equal, UINT64_MAX, UINT64_MAX}});

    EXPECT_EQ(answer(rules, 1, number_of(1, "dup"), {UINT32_MAX}), eperm);
    EXPECT_EQ(answer(rules, 0, number_of(0, "dup"), {UINT32_MAX}), SECCOMP_RET_ALLOW);
}

TEST(RulesForSystemCalls, AreRefusedWhereTheKernelWouldNotTakeThem) {
    SyscallRules rules{allowed, {}};
    for (std::uint64_t value = 0; value < 1000; ++value)
        rules.rules.push_back({{"dup"}, refused, {{0, Comparison::equal, value, UINT64_MAX}}});

    EXPECT_THROW((void)build_syscall_rules(rules), Failure);
}

} // namespace machinist
