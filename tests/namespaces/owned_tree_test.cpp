// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines that are started for a user of the host without rights over machines: whose files are whose, and what such
// a user may not start.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::HasSubstr;
using testing::MatchesRegex;

namespace {

constexpr uid_t daemon_user = 1; // of every host, with a group of the same number
constexpr uid_t somebody = 1234;
constexpr std::uint32_t foreign = 2147352576;

class ATreeOfAUser : public ABootedMachine {
protected:
    // As that user unpacked it, where nobody else gets to.
    void SetUp() override {
        ABootedMachine::SetUp();
        give_to(daemon_user);
        ASSERT_EQ(::chown(tree.workplace().path().c_str(), daemon_user, daemon_user), 0);
        ASSERT_EQ(::chmod(tree.workplace().path().c_str(), 0700), 0);
    }
    void give_to(std::uint32_t owner) {
        for (const auto& entry : fs::recursive_directory_iterator{tree.path()})
            ASSERT_EQ(::lchown(entry.path().c_str(), owner, owner), 0);
        ASSERT_EQ(::chown(tree.path().c_str(), owner, owner), 0);
    }
    [[nodiscard]] std::string owner_of(const char* name) const {
        struct stat status {};
        if (::lstat((tree.path() / name).c_str(), &status) < 0)
            return "missing";
        return std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
    }
    static std::string ids(std::uint32_t id) {
        return std::to_string(id) + ":" + std::to_string(id);
    }
    static std::vector<std::string> options(std::vector<std::string> more = {}) {
        more.insert(more.begin(),
                    {"--private-users=managed", "--private-network", "--managed-by=" + std::to_string(daemon_user)});
        return more;
    }
    std::string refusal(std::vector<std::string> more = {}) {
        const Outcome outcome = outcome_of({.options = options(std::move(more))});
        EXPECT_EQ(outcome.status, 1) << outcome.errors;
        return outcome.errors;
    }
};

} // namespace

TEST_F(ATreeOfAUser, IsOfTheMachinesRootInside) {
    start_with(options());

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +[1-9][0-9]+ +65536\n"));
    EXPECT_EQ(ask("create /etc/new"), "ok");
    EXPECT_EQ(ask("stat /etc/new"), "reg 0644 0:0 0:0");
    end_machine();

    EXPECT_EQ(owner_of("etc/new"), ids(daemon_user));
    EXPECT_EQ(owner_of("etc/passwd"), ids(daemon_user));
}

TEST_F(ATreeOfAUser, HasWhatOtherUsersOfTheMachineMakeInTheForeignRange) {
    start_with(options());

    EXPECT_EQ(ask("create /etc/www"), "ok");
    EXPECT_EQ(ask("chown /etc/www 33 33"), "ok");
    EXPECT_EQ(ask("stat /etc/www"), "reg 0644 0:0 33:33");
    end_machine();

    EXPECT_EQ(owner_of("etc/www"), ids(foreign + 33));
    start_with(options());
    EXPECT_EQ(ask("stat /etc/www"), "reg 0644 0:0 33:33");
}

TEST_F(ATreeOfAUser, MayBelongToTheForeignRangeAsAWhole) {
    give_to(foreign);
    start_with(options());

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    end_machine();

    EXPECT_EQ(owner_of("etc/new"), ids(foreign));
}

TEST_F(ATreeOfAUser, GivesNobodyTheFilesOfOthers) {
    tree.file("etc/secret", "of somebody else\n", 0600);
    ASSERT_EQ(::chown((tree.path() / "etc/secret").c_str(), somebody, somebody), 0);
    tree.file("etc/of-root", "of root\n", 0600);
    start_with(options());

    for (const char* file : {"/etc/secret", "/etc/of-root"}) {
        EXPECT_EQ(ask(std::string{"stat "} + file), "reg 0600 0:0 65534:65534");
        EXPECT_EQ(ask(std::string{"cat "} + file), "!EACCES");
        EXPECT_EQ(ask(std::string{"chown "} + file + " 0 0"), "!EPERM");
    }
}

TEST_F(ATreeOfAUser, KeepsAnEphemeralMachineInMemory) {
    start_with(options({"--ephemeral"}));

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    EXPECT_EQ(ask("chown /etc/new 33 33"), "ok");
    end_machine();

    EXPECT_FALSE(tree.has("etc/new"));
}

TEST_F(ATreeOfAUser, GetsTheRangesThatAreDelegatedToIt) {
    start_with(options({"--private-users-delegate=2"}));

    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +[1-9][0-9]+ +65536\n"
                                                            " +524288 +[1-9][0-9]+ +65536\n"
                                                            " +589824 +[1-9][0-9]+ +65536\n"));
    EXPECT_EQ(ask("cat /proc/self/gid_map"), ask("cat /proc/self/uid_map"));
    EXPECT_EQ(ask("create /run/inner"), "ok");
    EXPECT_EQ(ask("chown /run/inner 524288 655359"), "ok");
    EXPECT_EQ(ask("stat /run/inner"), "reg 0644 0:0 524288:655359");
    EXPECT_NE(ask("chown /run/inner 655360 0"), "ok");
    end_machine();
    EXPECT_THAT(refusal({"--private-users-delegate=5"}), HasSubstr("has at most 4 ranges more"));
}

TEST_F(ATreeOfAUser, IsTheSameAfterAReboot) {
    start_with(options());
    EXPECT_EQ(ask("create /etc/new"), "ok");
    const std::string before = ask("cat /proc/self/uid_map");
    const pid_t leader = machine().leader();
    machine().tell("reboot restart");
    ASSERT_TRUE(eventually([&] { return machine().leader() > 0 && machine().leader() != leader; }));

    EXPECT_EQ(ask("cat /proc/self/uid_map"), before);
    EXPECT_EQ(ask("stat /etc/new"), "reg 0644 0:0 0:0");
}

TEST_F(ATreeOfAUser, IsRefusedWhereItIsSomebodyElses) {
    for (const uid_t owner : {uid_t{0}, somebody}) {
        ASSERT_EQ(::chown(tree.path().c_str(), owner, owner), 0);

        EXPECT_THAT(refusal(), HasSubstr("it belongs to user " + std::to_string(owner)));
    }
}

TEST_F(ATreeOfAUser, IsRefusedBehindALinkToATreeOfSomebodyElse) {
    const Path link = tree.workplace().path() / "link";
    fs::create_directory_symlink(tree.path(), link);
    ASSERT_EQ(::chown(tree.path().c_str(), 0, 0), 0);

    const Outcome outcome = machinist(
        {"run", "-q", "-D", link.string(), "--private-users=managed", "--private-network", "--managed-by=1", "/probe"});

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("it belongs to user 0"));
}

TEST_F(ATreeOfAUser, IsRefusedWhereItsUserDoesNotGet) {
    ASSERT_EQ(::chown(tree.workplace().path().c_str(), 0, 0), 0);

    EXPECT_THAT(refusal(), HasSubstr("Permission denied"));
}

TEST_F(ATreeOfAUser, IsRefusedWhereOthersGet) {
    ASSERT_EQ(::chmod(tree.workplace().path().c_str(), 0711), 0);
    // What is inside is the machine's to change.
    ASSERT_EQ(::chmod(tree.path().c_str(), 0700), 0);

    EXPECT_THAT(refusal(), HasSubstr("others could reach into it"));
}

TEST_F(ATreeOfAUser, OfTheForeignRangeIsRefusedInADirectoryOfSomebodyElse) {
    give_to(foreign);
    const Path other = tree.workplace().directory("other");
    fs::rename(tree.path(), other / "tree");
    const Outcome outcome = machinist({"run", "-q", "-D", (other / "tree").string(), "--private-users=managed",
                                       "--private-network", "--managed-by=1", "/probe"});
    fs::rename(other / "tree", tree.path());

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("it belongs to user 2147352576"));
}

TEST_F(ATreeOfAUser, TakesNoSettingsThatRootWouldHaveToOpen) {
    const std::string name = unused_name();
    tree.workplace().file(name + ".nspawn", "[Exec]\nHostname=fromfile\n");
    start({.options = options(), .name = name});

    EXPECT_NE(ask("hostname"), "fromfile");
}

TEST_F(ATreeOfAUser, GetsNothingOfTheHosts) {
    EXPECT_THAT(refusal({"--bind=/etc"}), HasSubstr("no mounts of the host's"));
    EXPECT_THAT(refusal({"--private-users=pick"}), HasSubstr("--private-users=managed"));
    EXPECT_THAT(refusal({"--private-users-ownership=chown"}), HasSubstr("--private-users-ownership"));
    EXPECT_THAT(refusal({"-x", "--layer=disk"}), HasSubstr("layer in memory"));
}

TEST_F(ATreeOfAUser, NeedsANetworkOfItsOwn) {
    const Outcome outcome = outcome_of({.options = {"--private-users=managed", "--managed-by=1"}});

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("--private-users=managed needs a network that is not the host's"));
}

TEST_F(ATreeOfAUser, MayBeRootsToo) {
    give_to(0);
    start_with({"--private-users=managed", "--private-network"});

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +[1-9][0-9]+ +65536\n"));
}

} // namespace machinist::test
