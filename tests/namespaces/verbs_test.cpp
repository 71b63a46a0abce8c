// SPDX-License-Identifier: LGPL-2.1-or-later
// What the verbs do into machines that run: files, mounts. Unit tests of errands hold the details.
#include "namespaces/container_interface.hpp"

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::test {

using testing::HasSubstr;
using testing::StartsWith;

namespace {

class TheVerbsIntoAMachine : public TheContainerInterface {
protected:
    void SetUp() override {
        TheContainerInterface::SetUp();
        if (IsSkipped())
            return;
        std::string pattern = testing::TempDir() + "machinist-verbs-XXXXXX";
        host = ::mkdtemp(pattern.data());
    }
    void TearDown() override {
        TheContainerInterface::TearDown();
        if (!host.empty())
            std::filesystem::remove_all(host);
    }
    void make(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((host / name).parent_path());
        std::ofstream{host / name} << text;
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (host / name).string();
    }
    Outcome verb(std::vector<std::string> words) {
        // It is known a moment after it was started.
        machinist({"wait", machine().name(), "--for=running", "--timeout=20"});
        words.insert(words.begin() + 1, machine().name());
        return machinist(words);
    }

    Path host;
};

} // namespace

EVERY_WAY(TheVerbsIntoAMachine);

TEST_P(TheVerbsIntoAMachine, CopyFilesBothWays) {
    boot();
    make("tree/file", "text");
    ASSERT_EQ(::chown(path("tree/file").c_str(), 0, 0), 0);

    ASSERT_EQ(verb({"copy-to", path("tree"), "/copied/tree"}).errors, "");
    EXPECT_EQ(ask("cat /copied/tree/file"), "text");
    EXPECT_THAT(ask("stat /copied/tree/file"), HasSubstr(" 0:0"));

    ASSERT_EQ(verb({"copy-from", "/copied/tree", path("back")}).errors, "");
    EXPECT_EQ(text_of(path("back/file")), "text");
    struct stat status {};
    ASSERT_EQ(::stat(path("back/file").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0u);
}

TEST_P(TheVerbsIntoAMachine, ReplaceOnlyByForce) {
    boot();
    make("file", "new");
    ASSERT_EQ(verb({"copy-to", path("file"), "/file"}).status, 0);

    const Outcome again = verb({"copy-to", path("file"), "/file"});
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.errors, HasSubstr("File exists"));
    EXPECT_EQ(verb({"copy-to", "--force", path("file"), "/file"}).errors, "");
}

TEST_P(TheVerbsIntoAMachine, ShowADirectoryOfTheHostAndTakeItAway) {
    boot();
    make("shared/file", "text");

    ASSERT_EQ(verb({"bind", "--mkdir", path("shared"), "/shown"}).errors, "");
    EXPECT_EQ(ask("cat /shown/file"), "text");
    EXPECT_THAT(ask("stat /shown/file"), HasSubstr(" 0:0"));
    EXPECT_THAT(text_of("/proc/self/mounts"), Not(HasSubstr(path("shared"))));

    ASSERT_EQ(verb({"unbind", "/shown"}).errors, "");
    EXPECT_THAT(ask("cat /shown/file"), StartsWith("!ENOENT"));
    EXPECT_EQ(verb({"unbind", "/shown"}).status, 1);
}

TEST_P(TheVerbsIntoAMachine, ShowADirectoryAsTheUsersThatWasNamed) {
    boot();
    make("shared/file", "text");
    for (const char* name : {"shared", "shared/file"})
        ASSERT_EQ(::chown(path(name).c_str(), 4242, 4242), 0);

    ASSERT_EQ(verb({"bind", "--mkdir", "--owner=root", path("shared"), "/of-root"}).errors, "");
    ASSERT_EQ(verb({"bind", "--mkdir", "--owner=1000", path("shared"), "/of-a-user"}).errors, "");

    EXPECT_THAT(ask("stat /of-root/file"), HasSubstr(" 0:0"));
    EXPECT_EQ(ask("create /of-root/new"), "ok");
    EXPECT_THAT(ask("stat /of-a-user/file"), HasSubstr(" 1000:1000"));
    struct stat status {};
    ASSERT_EQ(::stat(path("shared/new").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 4242U);
    EXPECT_THAT(verb({"bind", "--mkdir", "--owner=nobody-at-all", path("shared"), "/x"}).errors,
                HasSubstr("--owner: 'nobody-at-all' is none of caller, root and the number of a user"));
}

TEST_P(TheVerbsIntoAMachine, ShowReadOnlyWhatIsToBeReadOnly) {
    boot();
    make("shared/file", "text");

    ASSERT_EQ(verb({"bind", "--mkdir", "--read-only", path("shared"), "/shown"}).errors, "");
    EXPECT_THAT(ask("write /shown/file other"), StartsWith("!EROFS"));
    // A machine with the host's users has the rights of the host's root in this.
    if (GetParam().own_users) {
        EXPECT_THAT(ask("remount-writable /shown"), StartsWith("!EPERM"));
    }
    EXPECT_EQ(text_of(path("shared/file")), "text");
}

TEST_P(TheVerbsIntoAMachine, NeverLeaveTheMachine) {
    boot();
    make("file", "text");
    std::filesystem::create_directory(host / "outside");
    ask("symlink " + path("outside") + " /link");

    EXPECT_EQ(verb({"copy-to", path("file"), "/link/file"}).status, 1);
    EXPECT_EQ(verb({"bind", "--mkdir", path("file"), "/link/file"}).status, 1);
    EXPECT_TRUE(std::filesystem::is_empty(host / "outside"));
    EXPECT_EQ(verb({"copy-to", path("file"), "/../up"}).status, 1);
}

} // namespace machinist::test
