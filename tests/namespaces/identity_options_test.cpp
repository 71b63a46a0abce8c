// SPDX-License-Identifier: LGPL-2.1-or-later
// The options about the machine's name, its users, and what it takes over from the host, seen from inside.
#include "namespaces/container_interface.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

namespace {

class IdentityOption : public TheContainerInterface {};

} // namespace

EVERY_WAY(IdentityOption);

// Identity and users

TEST_P(IdentityOption, MachineNameIsTakenFromTheDirectory) {
    Start start = as_this_way();
    const Path named = tree.workplace().path() / (unused_name() + ".named");
    fs::rename(tree.path(), named);
    std::vector<std::string> arguments;
    if (start.called_as == CalledAs::machinist)
        arguments.emplace_back("run");
    arguments.insert(arguments.end(), {"--quiet", "-D", named.string(), "--console=pipe"});
    arguments.insert(arguments.end(), start.options.begin(), start.options.end());
    arguments.insert(arguments.end(), {"/probe", "--ask", "hostname"});
    ProgramOptions options;
    options.called_as = start.called_as == CalledAs::nspawn ? "systemd-nspawn" : "";

    const Outcome outcome = run(MACHINIST_PROGRAM, arguments, options);

    EXPECT_EQ(outcome.output, named.filename().string() + "\n") << outcome.errors;
}

TEST_P(IdentityOption, BadMachineNameIsRefused) {
    for (const char* name : {".hidden", "a..b", "with space", "slash/ed", "-", ""}) {
        Start start = as_this_way({std::string{"--machine="} + name}, {"/probe", "--ask", "pid"});
        const Outcome outcome = outcome_of(start);
        if (std::string_view{name} == "-" || std::string_view{name}.empty())
            continue; // a hyphen is a name like another; nothing is the default
        EXPECT_NE(outcome.status, 0) << name;
        EXPECT_THAT(outcome.errors, HasSubstr("machine")) << name;
    }
}

TEST_P(IdentityOption, NameOfARunningMachineIsTaken) {
    boot({"--ephemeral"});
    ASSERT_EQ(ask("hostname"), machine().name());
    Start second = as_this_way({"--ephemeral"});
    second.name = machine().name();

    const Outcome outcome = outcome_of(second);

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr(machine().name()));
}

TEST_P(IdentityOption, PrivateUsersTakesABase) {
    boot({"--private-users=1048576:65536", "--private-users-ownership=map"});

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +1048576 +65536\n"));
    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
}

TEST_P(IdentityOption, PrivateUsersIdentityMapsOntoItself) {
    boot({"--private-users=identity"});

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +0 +65536\n"));
    EXPECT_NE(ask("namespace user"), namespace_of_host("user"));
    EXPECT_EQ(ask("create /etc/new"), "ok");
}

TEST_P(IdentityOption, PrivateUsersNoIsTheHostsUsers) {
    boot({"--private-users=no"});

    EXPECT_EQ(ask("namespace user"), namespace_of_host("user"));
}

TEST_P(IdentityOption, PrivateUsersYesTakesTheOwnerOfTheTree) {
    for (const auto& entry : fs::recursive_directory_iterator{tree.path()})
        ASSERT_EQ(::lchown(entry.path().c_str(), 655360, 655360), 0);
    ASSERT_EQ(::chown(tree.path().c_str(), 655360, 655360), 0);
    boot({"--private-users=yes"});

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +655360 +65536\n"));
    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
}

TEST_P(IdentityOption, PrivateUsersOwnershipChownChangesTheTree) {
    boot({"--private-users=720896", "--private-users-ownership=chown"});

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    end_machine();
    struct stat status {};
    ::stat((tree.path() / "etc/passwd").c_str(), &status);
    EXPECT_EQ(status.st_uid, 720896U);
    ::stat((tree.path() / "etc/new").c_str(), &status);
    EXPECT_EQ(status.st_uid, 720896U);
}

TEST_P(IdentityOption, PrivateUsersChownIsItsOldName) {
    boot({"--private-users=720896", "--private-users-chown"});

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    end_machine();
    struct stat status {};
    ::stat((tree.path() / "etc/passwd").c_str(), &status);
    EXPECT_EQ(status.st_uid, 720896U);
}

TEST_P(IdentityOption, UppercaseUPicksARange) {
    boot({"-U"});

    EXPECT_NE(ask("namespace user"), namespace_of_host("user"));
    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +[1-9][0-9]+ +65536\n"));
}

TEST_P(IdentityOption, NetworkNamespaceIsTheOneAtThePath) {
    const pid_t holder = ::fork();
    if (holder == 0) {
        if (::unshare(CLONE_NEWNET) == 0)
            ::raise(SIGSTOP);
        ::_exit(0);
    }
    int stopped = 0;
    ASSERT_EQ(::waitpid(holder, &stopped, WUNTRACED), holder);
    ASSERT_TRUE(WIFSTOPPED(stopped));
    const std::string path = "/proc/" + std::to_string(holder) + "/ns/net";
    boot({"--network-namespace-path=" + path});

    EXPECT_EQ(ask("namespace net"), fs::read_symlink(path).string());

    end_machine();
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
}

TEST_P(IdentityOption, PrivateUsersOwnershipForeignReadsTheForeignRange) {
    for (const auto& entry : fs::recursive_directory_iterator{tree.path()})
        ASSERT_EQ(::lchown(entry.path().c_str(), 2147352576U, 2147352576U), 0);
    ASSERT_EQ(::chown(tree.path().c_str(), 2147352576U, 2147352576U), 0);
    boot({"--private-users=pick", "--private-users-ownership=auto"});

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    end_machine();
    struct stat status {};
    ::stat((tree.path() / "etc/new").c_str(), &status);
    EXPECT_EQ(status.st_uid, 2147352576U);
}

TEST_P(IdentityOption, PrivateUsersOwnershipIsKeptOverRestarts) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "about machines with users of their own";
    boot();
    const std::string name = machine().name(), map = ask("cat /proc/self/uid_map");
    end_machine();

    Start again = as_this_way();
    again.name = name;
    start(again);

    EXPECT_EQ(ask("cat /proc/self/uid_map"), map);
}

// Integration

TEST_P(IdentityOption, ResolvConfIsCopiedFromTheHost) {
    if (of_host("/etc/resolv.conf").empty())
        GTEST_SKIP() << "the host has no /etc/resolv.conf";
    boot({"--resolv-conf=copy-host"});

    EXPECT_EQ(ask("cat /etc/resolv.conf"), of_host("/etc/resolv.conf"));
    EXPECT_THAT(ask("stat /etc/resolv.conf"), StartsWith("reg 0644 0:0 0:0"));
}

TEST_P(IdentityOption, ResolvConfCopyKeepsALinkAndReplaceDoesNot) {
    if (of_host("/etc/resolv.conf").empty())
        GTEST_SKIP() << "the host has no /etc/resolv.conf";
    fs::create_symlink("../run/somewhere", tree.path() / "etc/resolv.conf");
    boot({"--resolv-conf=copy-host"});
    EXPECT_EQ(ask("readlink /etc/resolv.conf"), "../run/somewhere");
    end_machine();

    boot({"--resolv-conf=replace-host"});
    EXPECT_EQ(ask("cat /etc/resolv.conf"), of_host("/etc/resolv.conf"));
}

TEST_P(IdentityOption, ResolvConfCanBeBoundDeletedOrLeft) {
    tree.file("etc/resolv.conf", "of the image");
    boot({"--resolv-conf=off"});
    EXPECT_EQ(ask("cat /etc/resolv.conf"), "of the image");
    end_machine();

    if (!of_host("/etc/resolv.conf").empty()) {
        boot({"--resolv-conf=bind-host"});
        EXPECT_EQ(ask("cat /etc/resolv.conf"), of_host("/etc/resolv.conf"));
        EXPECT_THAT(ask("open /etc/resolv.conf w"), AnyOf("!EROFS", "!EACCES"));
        end_machine();
        EXPECT_EQ(tree.read("etc/resolv.conf"), "of the image");
    }

    boot({"--resolv-conf=delete"});
    EXPECT_EQ(ask("stat /etc/resolv.conf"), "!ENOENT");
}

TEST_P(IdentityOption, ResolvConfIsNeverWrittenThroughALink) {
    const Path victim = tree.workplace().file("victim", "untouched");
    fs::create_symlink(victim, tree.path() / "etc/resolv.conf");

    outcome_of(as_this_way({"--resolv-conf=replace-host"}, {"/probe", "--ask", "pid"}));

    EXPECT_EQ(text_of(victim), "untouched");
}

TEST_P(IdentityOption, TimezoneCanBeCopiedBoundLinkedOrLeft) {
    if (!fs::exists("/etc/localtime"))
        GTEST_SKIP() << "the host has no /etc/localtime";
    tree.file("etc/localtime", "of the image");
    boot({"--timezone=off"});
    EXPECT_EQ(ask("cat /etc/localtime"), "of the image");
    end_machine();
    boot({"--timezone=bind"});
    EXPECT_EQ(ask("cat /etc/localtime"), of_host("/etc/localtime"));
    end_machine();
    EXPECT_EQ(tree.read("etc/localtime"), "of the image");
    boot({"--timezone=copy"});
    EXPECT_EQ(ask("cat /etc/localtime"), of_host("/etc/localtime"));
    end_machine();
    boot({"--timezone=delete"});
    EXPECT_EQ(ask("stat /etc/localtime"), "!ENOENT");
}

TEST_P(IdentityOption, SettingsFileBesideTheTreeIsReadAndNotTrusted) {
    Start start = as_this_way();
    start.name = unused_name();
    // Settings lie beside the directory and carry the machine's name.
    tree.workplace().file(start.name + ".nspawn", "[Exec]\nHostname=from-settings\nCapability=CAP_SYS_MODULE\n"
                                                  "[Files]\nBind=/etc:/mnt\n");
    this->start(start);

    EXPECT_EQ(ask("hostname"), "from-settings");
    EXPECT_FALSE(capability_set("CapBnd") >> 16 & 1);
    EXPECT_THAT(ask("stat /mnt/hostname"), "!ENOENT");
}

TEST_P(IdentityOption, AllProblemsAreToldAtOnce) {
    const Outcome outcome = outcome_of(
        as_this_way({"--oom-score-adjust=5000", "--capability=CAP_NONSENSE", "--chdir=relative", "--rlimit=X=1"}));

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors,
                AllOf(HasSubstr("5000"), HasSubstr("CAP_NONSENSE"), HasSubstr("relative"), HasSubstr("--rlimit")));
}

TEST_P(IdentityOption, UnknownOptionIsAUsageError) {
    expect_refused({"--no-such-option"}, "--no-such-option", 2);
}

} // namespace machinist::test
