// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/bundles.hpp"

#include <cerrno>
#include <gmock/gmock.h>

namespace machinist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace test;

std::string with_seccomp(const std::string& members) {
    return bundle_with("", R"("seccomp": {)" + members + "}");
}

SyscallRules rules_of(const std::string& members) {
    const Bundle bundle = accepted(with_seccomp(members));
    EXPECT_THAT(bundle.settings.syscalls->allow, IsEmpty());
    EXPECT_THAT(bundle.settings.syscalls->deny, IsEmpty());
    return bundle.settings.syscalls->rules.value_or(SyscallRules{});
}

std::string rule(const std::string& members) {
    return R"("defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{)" + members + "}]";
}

} // namespace

TEST(SystemCallsOfABundle, AreRulesWithAnswers) {
    const SyscallRules rules = rules_of(R"("defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mount", "no_such_call"], "action": "SCMP_ACT_ERRNO"},
                     {"names": ["keyctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
                     {"names": ["bpf"], "action": "SCMP_ACT_KILL_PROCESS"},
                     {"names": ["acct"], "action": "SCMP_ACT_KILL"},
                     {"names": ["swapon"], "action": "SCMP_ACT_TRAP"},
                     {"names": ["swapoff"], "action": "SCMP_ACT_LOG"},
                     {"names": ["no_such_call"], "action": "SCMP_ACT_KILL"}])");

    EXPECT_EQ(rules.otherwise, SyscallAnswer{});
    ASSERT_EQ(rules.rules.size(), 6U);
    EXPECT_THAT(rules.rules[0].calls, ElementsAre("mount"));
    EXPECT_EQ(rules.rules[0].answer, (SyscallAnswer{SyscallAction::refuse, EPERM}));
    EXPECT_EQ(rules.rules[1].answer, (SyscallAnswer{SyscallAction::refuse, ENOSYS}));
    EXPECT_EQ(rules.rules[2].answer, (SyscallAnswer{SyscallAction::kill_process, 0}));
    EXPECT_EQ(rules.rules[3].answer, (SyscallAnswer{SyscallAction::kill_thread, 0}));
    EXPECT_EQ(rules.rules[4].answer, (SyscallAnswer{SyscallAction::trap, 0}));
    EXPECT_EQ(rules.rules[5].answer, (SyscallAnswer{SyscallAction::log, 0}));
}

TEST(SystemCallsOfABundle, AreToldApartByTheirArguments) {
    const SyscallRules rules = rules_of(rule(R"("names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [
        {"index": 0, "value": 268435456, "valueTwo": 268435456, "op": "SCMP_CMP_MASKED_EQ"},
        {"index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_NE"}, {"index": 5, "value": 7, "op": "SCMP_CMP_GE"}])"));

    ASSERT_EQ(rules.rules.size(), 1U);
    EXPECT_THAT(rules.rules[0].conditions,
                ElementsAre(SyscallCondition{0, Comparison::masked_equal, 268435456, 268435456},
                            SyscallCondition{1, Comparison::not_equal, UINT64_MAX, UINT64_MAX},
                            SyscallCondition{5, Comparison::greater_or_equal, 7, UINT64_MAX}));
}

TEST(SystemCallsOfABundle, HideANewCloneWhereNothingIsSaidOfIt) {
    const SyscallRules closed = rules_of(R"("defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13,
        "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}])");
    EXPECT_EQ(closed.otherwise, (SyscallAnswer{SyscallAction::refuse, EACCES}));
    ASSERT_EQ(closed.rules.size(), 2U);
    EXPECT_THAT(closed.rules[1].calls, ElementsAre("clone3"));
    EXPECT_EQ(closed.rules[1].answer, (SyscallAnswer{SyscallAction::refuse, ENOSYS}));

    EXPECT_EQ(rules_of(R"("defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{"names": ["clone3"], "action": "SCMP_ACT_ALLOW"}])")
                  .rules.size(),
              1U);
}

TEST(SystemCallsOfABundle, AreRefusedByTheReason) {
    const std::pair<std::string, const char*> refusals[] = {
        {R"("defaultAction": "SCMP_ACT_NOTIFY")", "'linux.seccomp.defaultAction' asks a program beside the machine"},
        {R"("defaultAction": "SCMP_ACT_TRACE")", "'linux.seccomp.defaultAction' asks a tracer"},
        {R"("defaultAction": "SCMP_ACT_X")", "'linux.seccomp.defaultAction' is no action"},
        {R"("defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x")",
         "'linux.seccomp.listenerPath' is of a program"},
        {rule(R"("names": ["read"], "action": "SCMP_ACT_NOTIFY")"), "linux.seccomp.syscalls[0].action"},
        {rule(R"("names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096)"), "syscalls[0].errnoRet"},
        {rule(R"("action": "SCMP_ACT_ERRNO")"), "syscalls[0].names"},
        {rule(
             R"("names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}])"),
         "syscalls[0].args[0].index"},
        {rule(R"("names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}])"),
         "syscalls[0].args[0].value"},
        {rule(R"("names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 0, "op": "EQ"}])"),
         "syscalls[0].args[0].op"},
        {rule(R"("names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_GE"},
             {"index": 0, "value": 9, "op": "SCMP_CMP_LE"}])"),
         "'linux.seccomp.syscalls[0].args' has two conditions on one argument"},
    };
    for (const auto& [members, sentence] : refusals)
        EXPECT_THAT(refused(with_seccomp(members)), HasSubstr(sentence)) << members;
}

} // namespace machinist
