// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <csignal>
#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ACommandLine, EndsItsOptionsAtTheFirstWord) {
    const CommandLine line = parsed({"-D", "/tree", "ls", "-b", "--quiet"});
    EXPECT_EQ(line.request.directory, "/tree");
    EXPECT_THAT(line.request.settings.start->parameters, ElementsAre("ls", "-b", "--quiet"));
    EXPECT_FALSE(line.request.settings.start->boot);
    EXPECT_FALSE(line.request.quiet);
}

TEST(ACommandLine, TakesAllBehindTwoDashesAsWords) {
    const CommandLine line = parsed({"-qb", "-D", "/tree", "-M", "web", "--", "--user", "-x"});
    EXPECT_THAT(line.problems, IsEmpty());
    EXPECT_THAT(line.request.settings.start->parameters, ElementsAre("--user", "-x"));
    EXPECT_EQ(line.request.settings.start->boot, true);
}

TEST(ACommandLine, UnderstandsClustersOfLetters) {
    const CommandLine line = parsed({"-jqxbD", "/tree"});
    EXPECT_THAT(line.problems, IsEmpty());
    EXPECT_TRUE(line.request.quiet);
    EXPECT_EQ(line.request.settings.ephemeral, true);
    EXPECT_EQ(line.request.settings.link_journal->mode, LinkJournalMode::guest);
    EXPECT_EQ(line.request.directory, "/tree");
}

TEST(ACommandLine, UnderstandsAbbreviationsThatMeanOneOption) {
    EXPECT_EQ(parsed({"--dir=/tree"}).request.directory, "/tree");
    EXPECT_EQ(parsed({"--read"}).request.settings.read_only, true);
    EXPECT_EQ(parsed({"--bind=/a"}).request.settings.extra_mounts->size(), 1U); // although --bind-ro begins so, too
}

TEST(ACommandLine, TellsWhatAnAmbiguousAbbreviationCouldMean) {
    const Problems problems = parsed({"--overl=/a:/b"}).problems;
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_EQ(problems[0].kind, FailureKind::usage);
    EXPECT_EQ(text_of(problems[0]), "option '--overl' is ambiguous; try one of --overlay, --overlay-ro");
}

TEST(ACommandLine, TellsOfEveryMisuseAtOnce) {
    const Problems problems = parsed({"--bogus", "-Y", "--boot=yes", "--oom-score-adjust=2000", "--chdir"}).problems;
    ASSERT_THAT(problems, SizeIs(5));
    EXPECT_EQ(problems[0].sentence, "unknown option '--bogus'");
    EXPECT_EQ(problems[1].sentence, "unknown option '-Y'");
    EXPECT_EQ(problems[2].sentence, "--boot takes no value");
    EXPECT_EQ(problems[3].sentence, "--oom-score-adjust: '2000' is no number from -1000 to 1000");
    EXPECT_EQ(problems[4].sentence, "--chdir needs a value: PATH");
}

TEST(ACommandLine, WithoutMeaningEndsWith2AndInTheMannerOfNspawnWith1) {
    EXPECT_EQ(exit_status_for(parsed({"--bogus"}).problems, Manner::machinist), 2);
    EXPECT_EQ(exit_status_for(parsed({"--bogus"}).problems, Manner::nspawn), 1);
    EXPECT_EQ(exit_status_for(parsed({"--machine=a/b"}).problems, Manner::machinist), 1);
}

TEST(ACommandLine, IsReadAnewEachTime) {
    parsed({"-qx"});
    EXPECT_EQ(parsed({"-b"}).request.settings.start->boot, true);
    EXPECT_FALSE(parsed({"ls"}).request.quiet);
}

TEST(ACommandLine, ShowsNoControlCharactersOfAValue) {
    EXPECT_THAT(parsed({"--machine=a\x1b[31m"}).problems[0].sentence, HasSubstr(R"('a\x1b[31m')"));
}

TEST(TheOldOptionUser, IsTakenAsTheUserWithAWarning) {
    for (const auto& words : {std::vector<std::string>{"--user=builder", "make"}, {"--user", "builder", "make"}}) {
        const CommandLine line = parsed(words);
        EXPECT_THAT(line.problems, IsEmpty());
        EXPECT_THAT(line.warnings, SizeIs(1));
        EXPECT_EQ(line.request.settings.user, "builder");
        EXPECT_THAT(line.request.settings.start->parameters, ElementsAre("make"));
    }
}

TEST(TheOldOptionUser, WithoutANameIsTheScopeThatIsNotBuilt) {
    EXPECT_TRUE(parsed({"--user", "-D", "/tree"}).request.of_user);
    EXPECT_FALSE(parsed({"--user=builder", "-D", "/tree"}).request.of_user);
}

TEST(OldSpellings, StillMeanWhatTheyMeant) {
    EXPECT_EQ(parsed({"--private-users-chown"}).request.settings.users->ownership, Ownership::chown);
    EXPECT_EQ(parsed({"-U"}).request.settings.users->kind, UserNamespaceKind::pick);
    EXPECT_EQ(parsed({"--private-users"}).request.settings.users->kind, UserNamespaceKind::of_root);
    EXPECT_EQ(parsed({"--volatile"}).request.settings.volatile_mode, VolatileMode::yes);
    EXPECT_EQ(parsed({"-P"}).request.settings.console, ConsoleSetting::pipe);
    EXPECT_EQ(parsed({"--kill-signal=SIGRTMIN+3"}).request.settings.kill_signal, SIGRTMIN + 3);
}

TEST(ShareSystem, IsRefusedWithAHint) {
    EXPECT_THAT(text_of(parsed({"--share-system"}).problems.at(0)), HasSubstr("SYSTEMD_NSPAWN_SHARE_SYSTEM"));
}

TEST(ALineThatAsksForAList, IsNoStart) {
    EXPECT_THAT(*parsed({"--capability=help"}).request.listing, HasSubstr("CAP_SYS_ADMIN\n"));
    EXPECT_THAT(*parsed({"--console=help"}).request.listing, HasSubstr("autopipe"));
    EXPECT_THAT(*parsed({"--kill-signal=help"}).request.listing, HasSubstr("SIGRTMIN+3\n"));
    EXPECT_TRUE(parsed({"-h", "--bogus"}).request.help);
}

TEST(PrivateUsers, AreWrittenInManyWays) {
    const auto users = [](const char* value) {
        return *parsed({"--private-users=" + std::string{value}}).request.settings.users;
    };
    EXPECT_EQ(users("no").kind, UserNamespaceKind::none);
    EXPECT_EQ(users("0").kind, UserNamespaceKind::none);
    EXPECT_EQ(users("1").kind, UserNamespaceKind::of_root);
    EXPECT_EQ(users("identity").kind, UserNamespaceKind::fixed);
    EXPECT_EQ(users("524288").base, 524288U);
    EXPECT_EQ(users("524288:1000").size, 1000U);
    EXPECT_EQ(users("managed").kind, UserNamespaceKind::managed);
    for (const char* value : {"", "5:0", "4294967295", "4294901760:65536", "pic", "-1", "1:2:3"})
        EXPECT_THAT(parsed({"--private-users=" + std::string{value}}).problems, SizeIs(1)) << value;
}

TEST(Credentials, AreNeverShownInAProblem) {
    for (const char* value : {"a/b:geheim", "geheim", "x:geheim\\q"})
        for (const Problem& problem : parsed({"--set-credential=" + std::string{value}}).problems) {
            EXPECT_EQ(problem.value, "");
            EXPECT_EQ(text_of(problem).find("geheim"), std::string::npos) << text_of(problem);
        }
    EXPECT_THAT(parsed({"--set-credential=x:1", "--load-credential=x:/a"}).problems, SizeIs(1));
}

TEST(AddressFamilies, OfTheOtherKindTakeAwayFromTheFirstList) {
    const auto restriction =
        *parsed({"--restrict-address-families=AF_INET AF_UNIX", "--restrict-address-families=~AF_INET"})
             .request.settings.address_families->restriction;
    EXPECT_TRUE(restriction.allow_listed);
    EXPECT_THAT(restriction.families, ElementsAre(1));
    EXPECT_FALSE(parsed({"--restrict-address-families="}).request.settings.address_families->restriction);
    EXPECT_THAT(parsed({"--restrict-address-families=none"}).request.settings.address_families->restriction->families,
                IsEmpty());
}

TEST(CommandLinesOfRealPrograms, AreUnderstood) {
    const std::vector<std::vector<std::string>> lines{
        {"--quiet", "--link-journal=no", "--suppress-sync=yes", "--resolv-conf=auto", "--settings=trusted", "--boot",
         "--machine", "a", "--register", "no", "--load-credential=x:/p", "--directory=/t", "--bind",
         "/a:/b:norbind,rootidmap", "--setenv", "K=V", "systemd.unit=x"},
        {"-M",
         "n",
         "--register=no",
         "-a",
         "-U",
         "--timezone=copy",
         "--bind",
         "/dev",
         "--console=pipe",
         "--capability",
         "CAP_SYS_ADMIN,CAP_NET_ADMIN",
         "--system-call-filter",
         "@memlock @pkey @clock @cpu-emulation",
         "-E",
         "K=V",
         "--personality=x86",
         "--user=builder",
         "--private-network",
         "-qxD",
         "/t",
         "cmd"},
        {"-q", "-M", "0123456789abcdef0123456789abcdef", "-D", "/t", "-a", "-u", "mock", "--capability=cap_ipc_lock",
         "--bind=/dev/fuse", "--resolv-conf=off", "--console=pipe", "--chdir=/x", "--setenv=K=V", "cmd"},
        {"-q", "--resolv-conf=off", "--timezone=off", "--register=no", "--machine=debos-1", "--keep-unit",
         "--console=pipe", "--setenv", "K=V", "--bind", "/a:/b", "-D", "/t", "cmd"},
        {"--quiet", "--directory=/t", "--register=no", "--machine=x", "--as-pid2", "--console=autopipe",
         "--timezone=off", "--bind-ro=/c", "--tmpfs=/tmp:size=10%", "--user=builduser", "--chdir=/build", "cmd"},
        {"-qb", "--capability=CAP_IPC_LOCK", "--system-call-filter=swapcontext", "-D", "/t", "-M", "n", "--"},
        {"--quiet", "--directory=/t", "--machine=run-1", "--boot", "--notify-ready=yes", "--overlay=/a:/o:/"},
        {"-q", "--suppress-sync=true", "-M", "n", "-D", "/l", "--overlay=+/:/u:/", "--bind=/x",
         "--capability=CAP_MKNOD,CAP_SYS_ADMIN", "-E", "A=b"},
        {"--bind-ro=/sys/module", "--boot", "--inaccessible=/sys/module/apparmor", "--quiet", "--keep-unit",
         "--machine=m", "--directory=rootfs", "--resolv-conf=bind-host", "--system-call-filter=add_key keyctl bpf"},
        {"--directory", "/t", "--user", "u", "--quiet", "--as-pid2", "--pipe", "--register=no", "--hostname=h",
         "--machine=m", "--resolv-conf=off", "--timezone=off", "--link-journal=no", "cmd"},
        {"--machine=m", "--directory=/t", "--console=read-only", "-b", "--hostname=h", "-U",
         "--private-users-ownership=map", "--read-only", "--ephemeral", "--no-new-privileges=yes",
         "--drop-capability=CAP_MKNOD", "--inaccessible=/x", "--tmpfs=/y", "--private-network"},
    };
    for (const auto& words : lines)
        for (const Problem& problem : parsed(words).problems)
            ADD_FAILURE() << text_of(problem);
}

TEST(ACommandLine, TakesOneKindOfImage) {
    EXPECT_FALSE(parsed({"--mstack=/a.mstack", "--directory=/t"}).problems.empty());
    EXPECT_FALSE(parsed({"--mstack=/a.mstack", "--machine=m", "--template=/t"}).problems.empty());
    EXPECT_TRUE(parsed({"--mstack=/a.mstack", "--machine=m"}).problems.empty());
    EXPECT_TRUE(parsed({"--mstack=/a.mstack.v/"}).problems.empty());
    EXPECT_FALSE(parsed({"--mstack=/a"}).problems.empty());
}

} // namespace machinist
