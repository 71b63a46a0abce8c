// SPDX-License-Identifier: LGPL-2.1-or-later
// A start that fails, or is killed, at each of its stages leaves nothing behind. Needs a build with fault hooks.
#include "namespaces/container_interface.hpp"
#include "namespaces/host_audit.hpp"
#include "namespaces/own_network.hpp"
#include "spec/run_directory.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <fcntl.h>
#include <ostream>
#include <sys/file.h>

namespace machinist::test {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct Fault {
    std::string stage; // "parent NAME" or "child NAME"
    std::string what;
};

void PrintTo(const Fault& fault, std::ostream* stream) {
    *stream << fault.stage << ":" << fault.what;
}

std::vector<std::string> stages() {
    std::vector<std::string> named;
    for (const std::string& line : words_of(run(MACHINIST_PROGRAM, {"run", "--list-stages"}).output, '\n'))
        if (line.starts_with("parent ") || line.starts_with("child "))
            named.push_back(line);
    return named;
}

std::vector<Fault> all_faults() {
    std::vector<Fault> faults;
    for (const std::string& stage : stages())
        for (const char* what : {"kill", "eperm", "enospc"})
            faults.push_back({stage, what});
    return faults;
}

class AStartThatFails : public ABootedMachine, public testing::WithParamInterface<Fault> {
protected:
    // With something of everything that must be undone.
    Start failing(std::vector<std::string> more) {
        std::vector<std::string> options{"--set-credential=secret:x", "--bind-ro=" + tree.path().string() + ":/srv",
                                         "--tmpfs=/mnt", "--overlay=+/etc::/etc", "--bind=:/scratch"};
        options.insert(options.end(), more.begin(), more.end());
        return {.options = std::move(options),
                .command = {"/probe", "--ask", "pid"},
                .environment = {"FAULT_AT=" + GetParam().stage + ":" + GetParam().what}};
    }
    void expect_failure(const Outcome& outcome) {
        const bool is_killed = GetParam().what == "kill" && GetParam().stage.starts_with("parent ");
        EXPECT_EQ(outcome.status, is_killed ? 128 + SIGKILL : 1) << outcome.errors;
        if (GetParam().what == "kill")
            return;
        // What went wrong in the child is told by the parent as well, with its stage and its cause.
        EXPECT_THAT(outcome.errors, HasSubstr(GetParam().stage.substr(GetParam().stage.find(' ') + 1)));
        EXPECT_THAT(outcome.errors, AnyOf(HasSubstr("Operation not permitted"), HasSubstr("No space left on device")));
    }
    // Who has lost its launcher is ended by the kernel, which takes a moment.
    void wait_for_the_other_half() {
        // It has let go of everything when its lock can be had.
        EXPECT_TRUE(eventually([&] {
            const UniqueFd lock{
                ::open((run_directory::path(machine().name()) + "/lock").c_str(), O_RDONLY | O_CLOEXEC)};
            return processes_of(machine().name()).empty() && (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0);
        }));
    }
    void expect_nothing_left() {
        // Who is killed cannot undo what it made; that is done by `gc`, or by the next start of that name.
        if (GetParam().what == "kill") {
            wait_for_the_other_half();
            machinist({"gc"});
        }
        EXPECT_THAT(remnants_of(machine().name(), tree.workplace().path()), IsEmpty());
        const Outcome found = machinist({"doctor"});
        EXPECT_EQ(found.output.find(machine().name()), std::string::npos) << found.output;
    }
};

} // namespace

INSTANTIATE_TEST_SUITE_P(At, AStartThatFails, testing::ValuesIn(all_faults()),
                         [](const testing::TestParamInfo<Fault>& fault) {
                             std::string name = fault.param.stage + "_" + fault.param.what;
                             std::ranges::replace_if(
                                 name, [](unsigned char letter) { return !std::isalnum(letter); }, '_');
                             return name;
                         });

TEST(AStart, NamesItsStages) {
    const Outcome listed = run(MACHINIST_PROGRAM, {"run", "--list-stages"});
    if (listed.status != 0)
        GTEST_SKIP() << "this build has no fault hooks; configure it with -Dfault_hooks=true";

    EXPECT_GT(stages().size(), 15U) << listed.output;
}

TEST_P(AStartThatFails, LeavesNothingOfAPlainMachine) {
    expect_failure(outcome_of(failing({})));
    expect_nothing_left();
}

TEST_P(AStartThatFails, LeavesNothingOfAThrowAwayMachine) {
    expect_failure(outcome_of(failing({"--ephemeral", "--layer=disk", "--private-network"})));
    expect_nothing_left();
}

TEST_P(AStartThatFails, LeavesNothingOfAMachineWithLinks) {
    OwnNetwork host;
    host.make_pair("eth8", "eth9");
    expect_failure(
        outcome_of(failing({"--network-zone=lan", "--network-veth-extra=ext0:int0", "--network-macvlan=eth8"})));
    expect_nothing_left();
    EXPECT_TRUE(host.is_as_before()) << testing::PrintToString(host.names());
}

TEST_P(AStartThatFails, LeavesTheNameFree) {
    const Outcome failed = outcome_of(failing({"--ephemeral"}));
    expect_failure(failed);
    wait_for_the_other_half();

    Start again;
    again.name = machine().name();
    start(again);

    EXPECT_EQ(ask("hostname"), machine().name());
}

} // namespace machinist::test
