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

class PayloadOption : public TheContainerInterface {};

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

    EXPECT_THAT(ask("ids"), MatchesRegex("uid=1000,1000,1000 gid=1000,1000,1000 groups=(1000,)?1001"));
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

    unsigned long long own = 0;
    for (const std::string& line : words_of(of_host("/proc/self/status"), '\n'))
        if (line.starts_with("CapBnd:"))
            own = std::stoull(line.substr(8), nullptr, 16);
    unsigned long long expected = (GetParam().own_network ? 0xfdecbfffULL : 0xfdecafffULL) & own;
    // Our own manner leaves out what only reaches the host: the audit rules, and files that nobody can remove.
    if (GetParam().called_as == CalledAs::machinist)
        expected &= ~(1ULL << 30 | 1ULL << 9);
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

TEST_P(PayloadOption, SystemCallFilterThatWouldForbidNothingIsRefused) {
    if (GetParam().called_as == CalledAs::nspawn)
        GTEST_SKIP() << "systemd-nspawn only warns";
    expect_refused({"--system-call-filter=~no_such_call"}, "no_such_call");
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

} // namespace machinist::test
