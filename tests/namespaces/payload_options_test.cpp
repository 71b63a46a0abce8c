// SPDX-License-Identifier: LGPL-2.1-or-later
// The options about what runs, as whom, with which rights and limits, seen from inside.
#include "namespaces/container_interface.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

class PayloadOption : public TheContainerInterface {
protected:
    unsigned long long capability_set(const char* field) {
        return std::stoull(ask(std::string{"status "} + field), nullptr, 16);
    }
    // What is refused before anything is made: one sentence that names the option.
    void expect_refused(std::vector<std::string> options, const std::string& named, int status = 1) {
        Start start = as_this_way(std::move(options));
        const Outcome outcome = outcome_of(start);
        // systemd-nspawn knows one status for all that is wrong.
        EXPECT_EQ(outcome.status, start.called_as == CalledAs::nspawn ? 1 : status) << outcome.errors;
        EXPECT_THAT(outcome.errors, HasSubstr(named));
    }
};

} // namespace

EVERY_WAY(PayloadOption);

// Execution

TEST_P(PayloadOption, CommandAndArgumentsArriveAsTheyWereGiven) {
    boot({}, {"/probe", "with space", "", "--option", "$HOME", "*"});

    EXPECT_EQ(ask("arguments"), "/probe\nwith space\n\n--option\n$HOME\n*");
}

TEST_P(PayloadOption, CommandIsLookedForInThePath) {
    tree.directory("usr/bin");
    fs::create_hard_link(tree.path() / "probe", tree.path() / "usr/bin/found");
    boot({}, {"found"});

    EXPECT_EQ(ask("arguments"), "found");
}

TEST_P(PayloadOption, BootExecutesInit) {
    boot({"--boot"}, {"one", "two"});

    EXPECT_THAT(ask("readlink /proc/self/exe"), StartsWith("/usr/lib/systemd/systemd"));
    EXPECT_THAT(words_of(ask("arguments"), '\n'), ElementsAre(testing::_, "one", "two"));
}

TEST_P(PayloadOption, BootFindsSbinInit) {
    fs::create_directories(tree.path() / "sbin");
    fs::rename(tree.path() / "usr/lib/systemd/systemd", tree.path() / "sbin/init");
    boot({"--boot"}, {});

    EXPECT_EQ(ask("readlink /proc/self/exe"), "/sbin/init");
}

TEST_P(PayloadOption, AsPid2PutsAnInitBefore) {
    boot({"--as-pid2"});

    EXPECT_THAT(ask("pid"), HasSubstr("pid=2 parent=1"));
    EXPECT_THAT(ask("cat /proc/1/comm"), StartsWith("(sd-stubinit)"));
    // The stub reaps whoever loses its parent.
    EXPECT_EQ(ask("child sleepers 3"), "ok");
    EXPECT_EQ(ask("getenv container"), "systemd-nspawn");
}

TEST_P(PayloadOption, ShellIsALoginShell) {
    fs::create_directories(tree.path() / "bin");
    fs::create_hard_link(tree.path() / "probe", tree.path() / "bin/sh");
    boot({}, {});

    EXPECT_THAT(ask("arguments"), StartsWith("-"));
    EXPECT_EQ(ask("cwd"), "/root");
}

TEST_P(PayloadOption, ChdirGoesThere) {
    tree.directory("srv/data");
    boot({"--chdir=/srv/data"});

    EXPECT_EQ(ask("cwd"), "/srv/data");
}

TEST_P(PayloadOption, ChdirToNowhereIsRefused) {
    const Outcome outcome = outcome_of(as_this_way({"--chdir=/srv/none"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("/srv/none"));
}

TEST_P(PayloadOption, UidTakesAUserOfTheTree) {
    tree.directory("home/person");
    boot({"--uid=person"});

    EXPECT_EQ(ask("ids"), "uid=1000,1000,1000 gid=1000,1000,1000 groups=1000,1001");
    EXPECT_EQ(ask("getenv HOME"), "/home/person");
    EXPECT_EQ(ask("getenv USER"), "person");
    EXPECT_EQ(ask("getenv LOGNAME"), "person");
}

TEST_P(PayloadOption, UidTakesANumber) {
    boot({"--uid=1000"});

    EXPECT_THAT(ask("ids"), StartsWith("uid=1000,1000,1000"));
}

TEST_P(PayloadOption, UserIsItsOldName) {
    boot({"--user=person"});

    EXPECT_THAT(ask("ids"), StartsWith("uid=1000,1000,1000"));
}

TEST_P(PayloadOption, UnknownUserIsRefused) {
    const Outcome outcome = outcome_of(as_this_way({"--uid=nobody-knows"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("nobody-knows"));
}

TEST_P(PayloadOption, AnotherUserHasNoCapabilities) {
    boot({"--uid=person"});

    EXPECT_EQ(capability_set("CapEff"), 0U);
    EXPECT_EQ(capability_set("CapPrm"), 0U);
    EXPECT_EQ(capability_set("CapAmb"), 0U);
    EXPECT_NE(capability_set("CapBnd"), 0U);
    EXPECT_EQ(ask("create /etc/new"), "!EACCES");
}

TEST_P(PayloadOption, SuppressSyncMakesSyncNothing) {
    boot({"--suppress-sync=yes"});

    EXPECT_EQ(ask("syscall sync"), "ok");
    EXPECT_EQ(ask("fsync /etc/passwd"), "ok");
    EXPECT_EQ(ask("fsync -1"), "!EBADF");
    EXPECT_EQ(ask("open /etc/passwd rws"), "!EINVAL");
    EXPECT_EQ(ask("open /etc/passwd rw"), "ok");
}

// Security

TEST_P(PayloadOption, CapabilitiesAreTheListedOnes) {
    boot();

    const unsigned long long expected = GetParam().own_network ? 0xfdecbfffULL : 0xfdecafffULL;
    const unsigned long long without_ports = expected & ~(1ULL << 10);
    // Who has users of its own but not its own network must not bind the host's ports.
    EXPECT_EQ(capability_set("CapBnd") & ~(1ULL << 10), without_ports);
    if (GetParam().own_users && !GetParam().own_network) {
        EXPECT_EQ(capability_set("CapBnd"), without_ports);
    } else {
        EXPECT_EQ(capability_set("CapBnd"), expected);
    }
    EXPECT_EQ(capability_set("CapEff"), capability_set("CapBnd"));
    EXPECT_EQ(capability_set("CapPrm"), capability_set("CapBnd"));
    EXPECT_EQ(capability_set("CapAmb"), 0U);
}

TEST_P(PayloadOption, CapabilityAddsAndDropCapabilityRemoves) {
    boot({"--capability=CAP_SYS_TIME,cap_wake_alarm", "--drop-capability=CAP_MKNOD", "--drop-capability=CAP_CHOWN"});

    EXPECT_TRUE(capability_set("CapBnd") >> 25 & 1);
    EXPECT_TRUE(capability_set("CapBnd") >> 35 & 1);
    EXPECT_FALSE(capability_set("CapBnd") >> 27 & 1);
    EXPECT_FALSE(capability_set("CapBnd") >> 0 & 1);
    EXPECT_FALSE(capability_set("CapEff") >> 0 & 1);
    // With the capability come the system calls that need it; in a user namespace the clock is still the host's.
    EXPECT_THAT(ask("syscall adjtimex 0"), AnyOf("!EFAULT", "!EPERM"));
}

TEST_P(PayloadOption, CapabilityAllIsAllThatTheCallerHas) {
    boot({"--capability=all", "--drop-capability=CAP_SYS_MODULE"});

    EXPECT_TRUE(capability_set("CapBnd") >> 21 & 1);
    EXPECT_TRUE(capability_set("CapBnd") >> 34 & 1);
    EXPECT_FALSE(capability_set("CapBnd") >> 16 & 1);
}

TEST_P(PayloadOption, AmbientCapabilityReachesAnotherUser) {
    boot({"--uid=person", "--ambient-capability=CAP_CHOWN"});

    EXPECT_EQ(capability_set("CapAmb"), 1U);
    EXPECT_EQ(capability_set("CapEff"), 1U);
    EXPECT_EQ(ask("create /tmp/file"), "ok");
    EXPECT_EQ(ask("chown /tmp/file 7 7"), "ok");
}

TEST_P(PayloadOption, AmbientCapabilitiesAreNotForABootedMachine) {
    expect_refused({"--boot", "--ambient-capability=CAP_CHOWN"}, "--ambient-capability");
}

TEST_P(PayloadOption, UnknownCapabilityIsNamed) {
    expect_refused({"--capability=CAP_EVERYTHING"}, "CAP_EVERYTHING");
}

TEST_P(PayloadOption, NoNewPrivilegesIsSet) {
    boot({"--no-new-privileges=yes"});
    EXPECT_EQ(ask("status NoNewPrivs"), "1");
}

TEST_P(PayloadOption, SystemCallFilterIsInForce) {
    boot();

    EXPECT_EQ(ask("status Seccomp"), "2");
}

TEST_P(PayloadOption, SystemCallFilterAddsCallsAndGroups) {
    boot({"--system-call-filter=pkey_alloc", "--system-call-filter=@clock"});

    EXPECT_THAT(ask("syscall pkey_alloc 0 0"), Not("!EPERM"));
    EXPECT_THAT(ask("syscall settimeofday 1 0"), AnyOf("!EFAULT", "!EPERM"));
}

TEST_P(PayloadOption, SystemCallFilterRemovesCallsAndGroups) {
    boot({"--system-call-filter=~name_to_handle_at", "--system-call-filter=~@sync", "--system-call-filter=sync"});

    EXPECT_EQ(ask("syscall name_to_handle_at -100 0 0 0 0"), "!EPERM");
    EXPECT_EQ(ask("syscall sync"), "!EPERM") << "what is denied stays denied, whatever is allowed beside it";
    EXPECT_EQ(ask("syscall32 36"), "!EPERM") << "sync of the other ABI";
}

TEST_P(PayloadOption, SystemCallFilterRefusesWhatNobodyKnows) {
    expect_refused({"--system-call-filter=@nothing"}, "@nothing");
}

TEST_P(PayloadOption, RestrictAddressFamiliesLimitsSockets) {
    boot({"--restrict-address-families=AF_UNIX AF_INET"});

    EXPECT_EQ(ask("socket 1 1"), "ok");
    EXPECT_EQ(ask("socket 2 1"), "ok");
    EXPECT_EQ(ask("socket 10 1"), "!EAFNOSUPPORT");
    EXPECT_EQ(ask("socket 16 3"), "!EAFNOSUPPORT");
}

TEST_P(PayloadOption, RestrictAddressFamiliesCanForbidSome) {
    boot({"--restrict-address-families=~AF_INET6"});

    EXPECT_EQ(ask("socket 2 1"), "ok");
    EXPECT_EQ(ask("socket 10 1"), "!EAFNOSUPPORT");
}

TEST_P(PayloadOption, OddSocketFamiliesAreForNspawnOnly) {
    boot();

    // AF_VSOCK, AF_ALG
    for (const char* family : {"40", "38"}) {
        if (GetParam().called_as == CalledAs::machinist) {
            EXPECT_EQ(ask(std::string{"socket "} + family + " 5"), "!EAFNOSUPPORT") << family;
        }
    }
    for (const char* family : {"1", "2", "10", "16"})
        EXPECT_THAT(ask(std::string{"socket "} + family + " 2"), AnyOf("ok", "!ESOCKTNOSUPPORT")) << family;
}

// Resources

TEST_P(PayloadOption, LimitsHaveTheirDefaults) {
    boot();

    struct rlimit own {};
    ::getrlimit(RLIMIT_NOFILE, &own);
    EXPECT_EQ(ask("limit CORE").substr(0, 2), "0:");
    EXPECT_EQ(ask("limit NOFILE"), "1024:" + std::to_string(std::min<rlim_t>(own.rlim_max, 524288)));
    EXPECT_EQ(ask("limit STACK").substr(0, 8), "8388608:");
    EXPECT_EQ(ask("limit NICE"), "0:0");
    EXPECT_EQ(ask("limit RTPRIO"), "0:0");
}

TEST_P(PayloadOption, LimitsCanBeSet) {
    boot({"--rlimit=NOFILE=100:200", "--rlimit=RLIMIT_CORE=0", "--rlimit=FSIZE=1000000"});

    EXPECT_EQ(ask("limit NOFILE"), "100:200");
    EXPECT_EQ(ask("limit CORE"), "0:0");
    EXPECT_EQ(ask("limit FSIZE"), "1000000:1000000");
}

TEST_P(PayloadOption, UnknownLimitIsNamed) {
    expect_refused({"--rlimit=NOTHING=1"}, "NOTHING");
}

TEST_P(PayloadOption, OomScoreCanBeAdjusted) {
    boot({"--oom-score-adjust=321"});

    EXPECT_EQ(ask("cat /proc/self/oom_score_adj"), "321\n");
}

TEST_P(PayloadOption, OomScoreOutOfRangeIsRefused) {
    expect_refused({"--oom-score-adjust=1001"}, "1001");
}

TEST_P(PayloadOption, CpuAffinityIsSet) {
    boot({"--cpu-affinity=0"});

    EXPECT_EQ(ask("affinity"), "0");
}

TEST_P(PayloadOption, PersonalityIsSet) {
    boot({"--personality=x86"});

    EXPECT_EQ(ask("personality"), "8");
}

// Identity and users

TEST_P(PayloadOption, MachineNameIsTakenFromTheDirectory) {
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

TEST_P(PayloadOption, BadMachineNameIsRefused) {
    for (const char* name : {".hidden", "a..b", "with space", "slash/ed", "-", ""}) {
        Start start = as_this_way({std::string{"--machine="} + name}, {"/probe", "--ask", "pid"});
        const Outcome outcome = outcome_of(start);
        if (std::string_view{name} == "-" || std::string_view{name}.empty())
            continue; // a hyphen is a name like another; nothing is the default
        EXPECT_NE(outcome.status, 0) << name;
        EXPECT_THAT(outcome.errors, HasSubstr("machine")) << name;
    }
}

TEST_P(PayloadOption, NameOfARunningMachineIsTaken) {
    boot({"--ephemeral"});
    ASSERT_EQ(ask("hostname"), machine().name());
    Start second = as_this_way({"--ephemeral"});
    second.name = machine().name();

    const Outcome outcome = outcome_of(second);

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr(machine().name()));
}

TEST_P(PayloadOption, PrivateUsersTakesABase) {
    boot({"--private-users=1048576:65536", "--private-users-ownership=map"});

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +1048576 +65536\n"));
    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
}

TEST_P(PayloadOption, PrivateUsersIdentityMapsOntoItself) {
    boot({"--private-users=identity"});

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +0 +65536\n"));
    EXPECT_NE(ask("namespace user"), namespace_of_host("user"));
    EXPECT_EQ(ask("create /etc/new"), "ok");
}

TEST_P(PayloadOption, PrivateUsersNoIsTheHostsUsers) {
    boot({"--private-users=no"});

    EXPECT_EQ(ask("namespace user"), namespace_of_host("user"));
}

TEST_P(PayloadOption, PrivateUsersYesTakesTheOwnerOfTheTree) {
    for (const auto& entry : fs::recursive_directory_iterator{tree.path()})
        ASSERT_EQ(::lchown(entry.path().c_str(), 655360, 655360), 0);
    ASSERT_EQ(::chown(tree.path().c_str(), 655360, 655360), 0);
    boot({"--private-users=yes"});

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +655360 +65536\n"));
    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
}

TEST_P(PayloadOption, PrivateUsersOwnershipChownChangesTheTree) {
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

TEST_P(PayloadOption, PrivateUsersOwnershipForeignReadsTheForeignRange) {
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

TEST_P(PayloadOption, PrivateUsersOwnershipIsKeptOverRestarts) {
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

TEST_P(PayloadOption, ResolvConfIsCopiedFromTheHost) {
    if (of_host("/etc/resolv.conf").empty())
        GTEST_SKIP() << "the host has no /etc/resolv.conf";
    boot({"--resolv-conf=copy-host"});

    EXPECT_EQ(ask("cat /etc/resolv.conf"), of_host("/etc/resolv.conf"));
    EXPECT_THAT(ask("stat /etc/resolv.conf"), StartsWith("reg 0644 0:0 0:0"));
}

TEST_P(PayloadOption, ResolvConfCopyKeepsALinkAndReplaceDoesNot) {
    if (of_host("/etc/resolv.conf").empty())
        GTEST_SKIP() << "the host has no /etc/resolv.conf";
    fs::create_symlink("../run/somewhere", tree.path() / "etc/resolv.conf");
    boot({"--resolv-conf=copy-host"});
    EXPECT_EQ(ask("readlink /etc/resolv.conf"), "../run/somewhere");
    end_machine();

    boot({"--resolv-conf=replace-host"});
    EXPECT_EQ(ask("cat /etc/resolv.conf"), of_host("/etc/resolv.conf"));
}

TEST_P(PayloadOption, ResolvConfCanBeBoundDeletedOrLeft) {
    tree.file("etc/resolv.conf", "of the image");
    boot({"--resolv-conf=off"});
    EXPECT_EQ(ask("cat /etc/resolv.conf"), "of the image");
    end_machine();

    if (!of_host("/etc/resolv.conf").empty()) {
        boot({"--resolv-conf=bind-host"});
        EXPECT_EQ(ask("cat /etc/resolv.conf"), of_host("/etc/resolv.conf"));
        EXPECT_EQ(ask("open /etc/resolv.conf w"), "!EROFS");
        end_machine();
        EXPECT_EQ(tree.read("etc/resolv.conf"), "of the image");
    }

    boot({"--resolv-conf=delete"});
    EXPECT_EQ(ask("stat /etc/resolv.conf"), "!ENOENT");
}

TEST_P(PayloadOption, ResolvConfIsNeverWrittenThroughALink) {
    const Path victim = tree.workplace().file("victim", "untouched");
    fs::create_symlink(victim, tree.path() / "etc/resolv.conf");

    outcome_of(as_this_way({"--resolv-conf=replace-host"}, {"/probe", "--ask", "pid"}));

    EXPECT_EQ(text_of(victim), "untouched");
}

TEST_P(PayloadOption, TimezoneCanBeCopiedBoundLinkedOrLeft) {
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

TEST_P(PayloadOption, SettingsFileBesideTheTreeIsReadAndNotTrusted) {
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

TEST_P(PayloadOption, AllProblemsAreToldAtOnce) {
    const Outcome outcome = outcome_of(
        as_this_way({"--oom-score-adjust=5000", "--capability=CAP_NONSENSE", "--chdir=relative", "--rlimit=X=1"}));

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors,
                AllOf(HasSubstr("5000"), HasSubstr("CAP_NONSENSE"), HasSubstr("relative"), HasSubstr("--rlimit")));
}

TEST_P(PayloadOption, UnknownOptionIsAUsageError) {
    expect_refused({"--no-such-option"}, "--no-such-option", 2);
}

} // namespace machinist::test
