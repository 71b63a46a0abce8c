// SPDX-License-Identifier: LGPL-2.1-or-later
// Users and devices of the host that a machine has, too, seen from inside.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

// The host's files of users are the test's own for the programs that it starts: they run in a mount namespace of ours.
class AUserOfTheHost : public AnyContainer {
protected:
    void SetUp() override {
        AnyContainer::SetUp();
        home_ = tree.workplace().directory("home", 0700);
        tree.workplace().file("home/notes", "mine", 0600);
        for (const fs::path& path : {home_, home_ / "notes"})
            ASSERT_EQ(::chown(path.c_str(), 4242, 4242), 0);
        files_ = tree.workplace().directory("etc-files");
        std::ofstream{files_ / "passwd"} << text_of("/etc/passwd") << "tester:x:4242:4242:A Tester,,:" << home_.string()
                                         << ":/bin/zsh\n";
        std::ofstream{files_ / "group"} << text_of("/etc/group") << "tester:x:4242:\n";
    }

    // A start whose launcher sees these files as its host's.
    Outcome started(std::vector<std::string> options, const std::string& question) const {
        const std::string script =
            "set -e; mount --bind \"$1/passwd\" /etc/passwd; mount --bind \"$1/group\" /etc/group; "
            "shift; exec \"$@\"";
        std::vector<std::string> words{"--mount",
                                       "--propagation",
                                       "private",
                                       "/bin/sh",
                                       "-c",
                                       script,
                                       "sh",
                                       files_.string(),
                                       MACHINIST_PROGRAM,
                                       "run",
                                       "--quiet",
                                       "--console=pipe",
                                       "--directory=" + tree.path().string(),
                                       "--machine=" + unused_name()};
        words.insert(words.end(), options.begin(), options.end());
        words.insert(words.end(), {"/probe", "--ask"});
        for (const std::string& word : words_of(question))
            words.push_back(word);
        return run("/usr/bin/unshare", words);
    }

    fs::path home_;

private:
    fs::path files_;
};

class AGivenDevice : public AnyContainer {};

// The launcher sees a directory of specs in /etc that the host does not have.
class ADeviceByItsFullName : public AnyContainer {
protected:
    void SetUp() override {
        AnyContainer::SetUp();
        tree.workplace().directory("above-etc/cdi");
        tree.workplace().directory("driver");
        tree.workplace().file("driver/version", "7", 0644);
        tree.workplace().file("above-etc/cdi/acme.json", R"({"cdiVersion": "0.6.0", "kind": "acme.com/engine",
            "containerEdits": {"env": ["DRIVER=7"], "mounts": [{"hostPath": ")" +
                                                             (tree.workplace().path() / "driver").string() +
                                                             R"(", "containerPath": "/srv/driver", "options": ["ro"]}]},
            "devices": [{"name": "0", "containerEdits": {
                "deviceNodes": [{"path": "/dev/acme/engine0", "hostPath": "/dev/loop-control", "permissions": "r",
                                 "uid": 5, "gid": 6, "fileMode": 420}],
                "hooks": [{"hookName": "createContainer", "path": "/usr/bin/acme-hook"}]}}]})");
    }

    // machinist, where these specs are the host's.
    Outcome machinist_there(const std::vector<std::string>& arguments) const {
        const std::string script = "set -e; mount -t overlay -o \"lowerdir=$1:/etc\" overlay /etc; shift; exec \"$@\"";
        std::vector<std::string> words{"--mount",
                                       "--propagation",
                                       "private",
                                       "/bin/sh",
                                       "-c",
                                       script,
                                       "sh",
                                       (tree.workplace().path() / "above-etc").string(),
                                       MACHINIST_PROGRAM};
        words.insert(words.end(), arguments.begin(), arguments.end());
        return run("/usr/bin/unshare", words);
    }
    Outcome started(const std::vector<std::string>& options, const std::string& question) const {
        std::vector<std::string> words{"run", "--console=pipe", "--directory=" + tree.path().string(),
                                       "--machine=" + unused_name()};
        words.insert(words.end(), options.begin(), options.end());
        words.insert(words.end(), {"/probe", "--ask"});
        for (const std::string& word : words_of(question))
            words.push_back(word);
        return machinist_there(words);
    }
};

} // namespace

TEST_F(AUserOfTheHost, HasItsHomeAndItsRecordsInTheMachine) {
    const auto answer = [&](const std::string& question) {
        const Outcome outcome = started({"--bind-user=tester"}, question);
        return outcome.output + outcome.errors;
    };

    EXPECT_EQ(answer("stat /run/host/home/tester"), "dir 0700 0:0 60514:60514\n");
    EXPECT_EQ(answer("stat /run/host/home/tester/notes"), "reg 0600 0:0 60514:60514\n");
    EXPECT_THAT(answer("cat /run/host/userdb/60514.user"),
                AllOf(HasSubstr(R"("userName":"tester")"), HasSubstr(R"("realName":"A Tester")"),
                      HasSubstr(R"("homeDirectory":"/run/host/home/tester")")));
    EXPECT_THAT(answer("stat /run/host/userdb/tester.user-privileged"), StartsWith("reg 0600 0:0"));
}

TEST_F(AUserOfTheHost, HasTheShellAndTheGroupsThatWereAskedFor) {
    const std::vector<std::string> options{"--bind-user=tester", "--bind-user-shell=yes", "--bind-user-group=wheel"};

    EXPECT_THAT(started(options, "cat /run/host/userdb/tester.user").output,
                AllOf(HasSubstr(R"("shell":"/bin/zsh")"), HasSubstr(R"("memberOf":["wheel"])")));
    EXPECT_THAT(started(options, "stat /run/host/userdb/tester:wheel.membership").output, StartsWith("reg 0644 0:0"));
}

TEST_F(AUserOfTheHost, IsRefusedIfTheImageHasOneOfThatName) {
    tree.file("etc/passwd", "root:x:0:0::/:/probe\ntester:x:1:1::/:/probe\n");

    const Outcome outcome = started({"--bind-user=tester"}, "pid");

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("--bind-user: 'tester' is a user or group of the image already"));
}

TEST_F(AGivenDevice, BelongsToTheMachinesRootAndCanBeOpened) {
    // No machine has it by itself.
    start_with({"--device=/dev/loop-control:r"});

    EXPECT_THAT(ask("stat /dev/loop-control"), HasSubstr(" 10:237 0:0"));
    EXPECT_EQ(ask("open /dev/loop-control r"), "ok");
    EXPECT_THAT(ask("open /dev/loop-control w"), StartsWith("!EPERM"));
}

TEST_F(ADeviceByItsFullName, BringsNodesMountsAndVariables) {
    const auto answer = [&](const std::string& question) {
        return started({"--quiet", "--device=acme.com/engine=0"}, question).output;
    };

    EXPECT_EQ(answer("stat /dev/acme/engine0"), "chr 0644 10:237 5:6\n");
    EXPECT_EQ(answer("open /dev/acme/engine0 r"), "ok\n");
    EXPECT_THAT(answer("open /dev/acme/engine0 w"), StartsWith("!EPERM"));
    EXPECT_EQ(answer("cat /srv/driver/version"), "7\n");
    EXPECT_EQ(answer("getenv DRIVER"), "7\n");
}

TEST_F(ADeviceByItsFullName, BelongsToTheMachinesUsersWhereThoseAreItsOwn) {
    const std::vector<std::string> options{"--quiet", "--private-users=pick", "--device=acme.com/engine=0"};

    EXPECT_THAT(started(options, "stat /dev/acme/engine0").output, HasSubstr(" 10:237 5:6"));
    EXPECT_EQ(started(options, "open /dev/acme/engine0 r").output, "ok\n");
}

TEST_F(ADeviceByItsFullName, HasHooksThatAreTold) {
    EXPECT_THAT(started({"--device=acme.com/engine=0"}, "pid").errors,
                HasSubstr("hooks[0].hookName' is not run: '/usr/bin/acme-hook' of '/usr/bin/acme-hook'"));
}

TEST_F(ADeviceByItsFullName, IsListed) {
    const Outcome listed = machinist_there({"list-devices", "--no-legend"});
    EXPECT_EQ(listed.status, 0) << listed.errors;
    EXPECT_THAT(listed.output, HasSubstr("acme.com/engine=0 /etc/cdi/acme.json"));

    tree.workplace().file("above-etc/cdi/broken.json", "{}");
    const Outcome partly = machinist_there({"list-devices", "--output=json"});
    EXPECT_EQ(partly.status, 1);
    EXPECT_THAT(partly.output, HasSubstr(R"("device":"acme.com/engine=0")"));
    EXPECT_THAT(partly.errors, HasSubstr("/etc/cdi/broken.json: 'cdiVersion'"));
}

TEST_F(ADeviceByItsFullName, ThatIsInNoFileIsRefused) {
    const Outcome outcome = started({"--device=acme.com/engine=1"}, "pid");

    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors,
                HasSubstr("--device: 'acme.com/engine=1' is in no file of /etc/cdi and /var/run/cdi; try "
                          "acme.com/engine=0"));
}

TEST_F(AGivenDevice, ThatTheHostHasNotIsRefused) {
    const Outcome outcome = outcome_of({.options = {"--device=/dev/no-such-device"}});

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("--device: '/dev/no-such-device' cannot be used"));
}

} // namespace machinist::test
