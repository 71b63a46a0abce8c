// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"
#include "played_machine.hpp"

#include <chrono>
#include <gmock/gmock.h>
#include <thread>

namespace machinist {

using namespace std::chrono_literals;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class EnteringAMachine : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root to make and enter namespaces";
        machine.emplace();
    }
    // Anew, with a tree of its own.
    void arranged(const std::function<void()>& arrange) {
        machine.reset();
        machine.emplace(arrange);
    }
    [[nodiscard]] Enter enter() const {
        return Enter{*machine};
    }

    std::optional<PlayedMachine> machine;
};

TEST_F(EnteringAMachine, GivesSeparateStreamsAndTheExitStatus) {
    const Ran ran = enter().shell("echo out; echo err >&2; exit 7");

    EXPECT_EQ(ran.status, 7);
    EXPECT_EQ(ran.output, "out\n");
    EXPECT_EQ(ran.errors, "err\n");
}

TEST_F(EnteringAMachine, PassesStdinOn) {
    EXPECT_EQ(enter().reading("one\ntwo\n").run({"cat"}).output, "one\ntwo\n");
}

TEST_F(EnteringAMachine, PassesMuchBothWays) {
    // Within what a pipe holds, since the test writes it all before it reads.
    const std::string much(60000, 'x');

    EXPECT_EQ(enter().reading(much).run({"cat"}).output, much);
    EXPECT_EQ(enter().shell("yes | head -c 3000000").output.size(), 3000000u);
}

TEST_F(EnteringAMachine, EndsAsTheCommandWasKilled) {
    EXPECT_EQ(enter().shell("kill -TERM $$").status, 128 + SIGTERM);
}

TEST_F(EnteringAMachine, TellsAMissingCommandFromOneThatCannotRun) {
    const Ran missing = enter().run({"no-such-command"});

    EXPECT_EQ(missing.status, 127);
    EXPECT_EQ(missing.errors, "machinist: machine 'web': run 'no-such-command': No such file or directory\n");
    EXPECT_EQ(enter().run({"/etc/passwd"}).status, 126);
    EXPECT_EQ(enter().run({"/tmp"}).status, 126);
    EXPECT_EQ(enter().run({"/no/such"}).status, 127);
}

TEST_F(EnteringAMachine, IsInAllItsNamespaces) {
    const Ran ran = enter().shell("for n in user pid mnt uts ipc net; do readlink /proc/self/ns/$n; done");

    std::string expected;
    for (const char* kind : {"user", "pid", "mnt", "uts", "ipc", "net"})
        expected +=
            std::filesystem::read_symlink("/proc/" + std::to_string(machine->pid()) + "/ns/" + kind).string() + "\n";
    EXPECT_EQ(ran.output, expected);
}

TEST_F(EnteringAMachine, HandsOverNothingButThreeStreams) {
    const Ran ran = enter().shell("for f in /proc/self/fd/*; do readlink $f; done");

    // The shell's own directory stream is closed by then: pipes alone.
    for (const std::string_view line : split(trimmed(ran.output), '\n'))
        EXPECT_THAT(std::string{line}, ContainsRegex("^pipe:"));
}

TEST_F(EnteringAMachine, LetsTheCommandOpenItsStreamsAgain) {
    const Ran ran = enter().with("--user=alice").shell("echo a >/dev/fd/1; echo b >/proc/self/fd/2");

    EXPECT_EQ(ran.errors.find("denied"), std::string::npos) << ran.errors;
}

TEST_F(EnteringAMachine, TakesNothingOfTheCallersEnvironment) {
    ::setenv("SECRET", "of the host", 1);

    const Ran ran = enter().with("--setenv=GIVEN=value").with("--service=systemd-nspawn").run({"env"});

    EXPECT_THAT(ran.output, Not(HasSubstr("SECRET")));
    EXPECT_THAT(ran.output, HasSubstr("GIVEN=value\n"));
    EXPECT_THAT(ran.output, HasSubstr("HOME=/root\n"));
    EXPECT_THAT(ran.output, HasSubstr("container=systemd-nspawn\n"));
}

TEST_F(EnteringAMachine, HasNoMoreCapabilitiesThanTheLeader) {
    const Ran ran = enter().shell("grep -E 'Cap(Inh|Prm|Bnd|Amb)' /proc/self/status; grep CapBnd /proc/1/status");

    const auto words = split_words(ran.output);
    ASSERT_EQ(words.size(), 10u);
    EXPECT_EQ(words[1], "0000000000000000"); // inheritable (CVE-2022-29162)
    EXPECT_EQ(words[5], words[9]);           // bounding
    EXPECT_EQ(words[3], words[9]);           // permitted
    EXPECT_EQ(words[7], "0000000000000000");
}

TEST_F(EnteringAMachine, KnowsTheMachinesUsers) {
    const Ran ran =
        enter().with("--user=alice").shell("id -u; id -G; pwd; echo $HOME $USER; grep CapPrm /proc/self/status");

    EXPECT_EQ(ran.output, "1001\n1001 50\n/home/alice\n/home/alice alice\nCapPrm:\t0000000000000000\n");
}

TEST_F(EnteringAMachine, TakesANumberForANumber) {
    EXPECT_EQ(enter().with("--user=1000").run({"id", "-u"}).output, "1000\n");
    EXPECT_EQ(enter().with("--user=1000x").run({"id"}).status, 125);
    EXPECT_EQ(enter().with("--user=nobody-there").run({"id"}).status, 125);
}

TEST_F(EnteringAMachine, DoesNotWaitForAFifoInPlaceOfTheUsers) {
    arranged([] {
        ::unlink("/etc/passwd");
        ::mkfifo("/etc/passwd", 0644);
    });

    const Ran ran = enter().run({"id"});

    EXPECT_EQ(ran.status, 125);
    EXPECT_THAT(ran.errors, HasSubstr("not a regular file"));
}

TEST_F(EnteringAMachine, FollowsLinksOfTheMachineInTheMachine) {
    arranged([] {
        ::unlink("/etc/passwd");
        (void)!::symlink("/../../../../../../etc/host-users", "/etc/passwd");
        write_atomically("/etc/host-users", "mine:x:77:77::/tmp:/bin/sh\n", 0644);
    });

    EXPECT_EQ(enter().with("--user=mine").run({"id", "-u"}).output, "77\n");
}

TEST_F(EnteringAMachine, ReadsUsersWithoutTheMachinesProc) {
    arranged([] {
        must(::mount("fake", "/proc", "tmpfs", 0, nullptr) == 0, "hide /proc");
        must(::mkdir("/proc/self", 0755) == 0 && ::symlink("/no/where", "/proc/self/fd") == 0, "fake /proc");
    });

    EXPECT_EQ(enter().with("--user=alice").run({"id", "-u"}).output, "1001\n");
}

TEST_F(EnteringAMachine, StaysWithinItsRoot) {
    const Ran ran = enter().with("--chdir=/../../../home").run({"pwd", "-P"});

    EXPECT_EQ(ran.output, "/home\n");
    EXPECT_EQ(enter().with("--chdir=/no/such").run({"pwd"}).status, 125);
}

TEST_F(EnteringAMachine, EndsACommandThatTakesTooLongWithAllOfItsGroup) {
    const auto began = std::chrono::steady_clock::now();
    const Ran ran = enter().with("--timeout=0.3").shell("trap '' TERM; sleep 61 & echo $!; while :; do sleep 1; done");

    EXPECT_EQ(ran.status, 124);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(enter().shell("kill -0 " + std::string{trimmed(ran.output)} + " 2>/dev/null; echo $?").output, "1\n");
}

TEST_F(EnteringAMachine, PassesSignalsOn) {
    const Ran ran = enter()
                        .meanwhile([](pid_t pid) {
                            std::this_thread::sleep_for(300ms);
                            ::kill(pid, SIGTERM);
                        })
                        .shell("trap 'echo told; exit 3' TERM; while :; do sleep 0.05; done");

    EXPECT_EQ(ran.output, "told\n");
    EXPECT_EQ(ran.status, 3);
}

TEST_F(EnteringAMachine, EndsTheCommandWhenItIsKilledItself) {
    const auto sleeping = [this] {
        return enter()
            .shell("for p in /proc/[0-9]*; do grep -qx sleep $p/comm && ! grep -q 'State:.*Z' $p/status && "
                   "echo $p; done 2>/dev/null")
            .output;
    };

    enter()
        .meanwhile([&](pid_t pid) {
            std::this_thread::sleep_for(200ms);
            EXPECT_NE(sleeping(), "");
            ::kill(pid, SIGKILL);
        })
        .run({"sleep", "62"});

    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(sleeping(), "");
}

TEST_F(EnteringAMachine, DoesNotWaitForWhatTheCommandLeftBehind) {
    const auto began = std::chrono::steady_clock::now();

    const Ran ran = enter().shell("sleep 20 & echo done");

    EXPECT_EQ(ran.output, "done\n");
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST_F(EnteringAMachine, RunsFromASealedCopyOfItself) {
    std::string program;
    enter()
        .meanwhile([&](pid_t pid) {
            std::this_thread::sleep_for(200ms);
            program = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe").string();
            ::kill(pid, SIGTERM);
        })
        .run({"sleep", "20"});

    EXPECT_THAT(program, HasSubstr("/memfd:"));
}

TEST_F(EnteringAMachine, LeavesAFileWhereTheCommandStoppedReading) {
    const std::string path = ::testing::TempDir() + "lines";
    write_atomically(path, "one\ntwo\nthree\n", 0600);
    const UniqueFd file = open_path(path, O_RDONLY);

    EXPECT_EQ(enter().from(file.get()).shell("read x; echo $x").output, "one\n");
    EXPECT_EQ(enter().from(file.get()).shell("read x; echo $x").output, "two\n");
    EXPECT_EQ(read_all(file), "three\n");
}

TEST_F(EnteringAMachine, HasATerminalOfTheMachinesOwn) {
    const Ran ran =
        enter().with("--pty").shell("tty; test -t 0 && test -t 1 && test -t 2 && echo all; stat -c %U /dev/pts/0");

    EXPECT_EQ(ran.output, "/dev/pts/0\r\nall\r\nroot\r\n");
}

TEST_F(EnteringAMachine, OpensALoginShellOfTheUser) {
    const Ran ran =
        enter().with("--pty").with("--login-shell").with("--user=alice").reading("echo $0; pwd\nexit 4\n").run({});

    EXPECT_EQ(ran.status, 4);
    EXPECT_THAT(ran.output, HasSubstr("-sh\r\n/home/alice\r\n"));
}

TEST_F(EnteringAMachine, TakesNoTerminalFromAFalseDevpts) {
    arranged([] { must(::mount("fake", "/dev/pts", "tmpfs", 0, nullptr) == 0, "hide /dev/pts"); });

    const Ran ran = enter().with("--pty").run({"tty"});

    EXPECT_EQ(ran.status, 125);
    EXPECT_THAT(ran.errors, HasSubstr("no devpts"));
}

TEST_F(EnteringAMachine, TakesNoTerminalByALink) {
    arranged([] {
        must(::mount("fake", "/dev", "tmpfs", 0, nullptr) == 0, "hide /dev");
        must(::mkdir("/real", 0755) == 0 && ::mount("devpts", "/real", "devpts", 0, "newinstance,ptmxmode=0666") == 0,
             "devpts");
        must(::symlink("/real", "/dev/pts") == 0, "link");
    });

    EXPECT_EQ(enter().with("--pty").run({"tty"}).status, 125);
}

TEST_F(EnteringAMachine, SaysThatItHasEnded) {
    Enter late = enter();
    machine->end();

    const Ran ran = late.run({"true"});

    EXPECT_EQ(ran.status, 125);
    EXPECT_THAT(ran.errors, HasSubstr("the machine has ended"));
}

TEST_F(EnteringAMachine, NeedsItsOptionsWhole) {
    EXPECT_EQ(enter().with("--frobnicate").run({"true"}).status, 125);
    EXPECT_EQ(enter().run({}).status, 125);
    EXPECT_EQ(enter().with("--pidfd=0").run({"true"}).status, 125);
    EXPECT_EQ(enter().with("--timeout=x").run({"true"}).status, 125);
}

} // namespace machinist
