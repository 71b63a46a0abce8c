// SPDX-License-Identifier: LGPL-2.1-or-later
// Trees from recipes, where a script in PATH stands for mmdebstrap: what it makes is small, what becomes of it is real.
#include "recipe/build.hpp"

#include "base/failure.hpp"
#include "image/image_changes.hpp"
#include "kernel/process.hpp"
#include "recipe/bootstrap.hpp"
#include "recipe/finish_tree.hpp"
#include "recipe/lay_files.hpp"
#include "unit/image/pool_fixture.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace machinist {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
    return read_file_if_exists(path).value_or("(missing)");
}

class ABuild : public testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        bootstrap("tree=$(eval echo \\${$#}); [ \"$tree\" = - ] && eval tree=\\${$(($# - 1))}\n"
                  "echo 'I: extracting archives...'\n"
                  "mkdir -p $tree/etc $tree/var/log\n"
                  "echo host >$tree/etc/hostname; echo 0123 >$tree/etc/machine-id; echo x >$tree/var/log/dpkg.log\n"
                  "echo \"$SOURCE_DATE_EPOCH\" >$tree/etc/epoch; echo \"$*\" >$tree/etc/command\n");
        place.write("etc/web.files/etc/motd", "hello\n");
        recipe = parse_recipe("suite=sid\npackages=one\nfiles=web.files\nmirror=http://mirror.example/\n",
                              place.path() / "etc/web")
                     .recipe;
    }
    void stand_in(const char* program, const std::string& script) const {
        const fs::path path = fs::path{"bin"} / program;
        place.write(path, "#!/bin/sh\n" + script);
        fs::permissions(place.path() / path, fs::perms{0755});
    }
    void bootstrap(const std::string& script) const {
        stand_in("mmdebstrap", script);
        // Asking the host's for its mirrors takes seconds; its answer is tested elsewhere.
        stand_in("apt-get", "exit 1\n");
        stand_in("apt-config", "exit 1\n");
        ::setenv("PATH", (place.path().string() + "/bin:/usr/bin:/bin").c_str(), 1);
    }
    BuiltTree build(const BuildRequest& request) const {
        return build_image(pool(), recipe, request, [](std::string_view, std::string_view) {});
    }
    [[nodiscard]] std::string failure_of(const BuildRequest& request) const {
        try {
            (void)build(request);
        } catch (const Failure& failure) {
            return failure.what();
        }
        return "";
    }
    [[nodiscard]] fs::path image() const {
        return place.path() / "machines/web";
    }

    Recipe recipe;
};

TEST_F(ABuild, MakesAnImageWithTheFilesOfItsRecipeAndNothingOfTheHost) {
    const BuiltTree built = build({.name = "web"});

    EXPECT_EQ(built.how, Built::made);
    EXPECT_EQ(built.path, image());
    EXPECT_EQ(content_of(image() / "etc/motd"), "hello\n");
    EXPECT_FALSE(fs::exists(image() / "etc/hostname"));
    EXPECT_FALSE(fs::exists(image() / "var/log/dpkg.log"));
    EXPECT_EQ(content_of(image() / "etc/machine-id"), "");
    EXPECT_EQ(content_of(image() / "etc/epoch"), "\n");
    EXPECT_THAT(content_of(image() / "etc/command"), HasSubstr("--include=one "));
    EXPECT_THAT(entries("machines"), ElementsAre("web"));
}

TEST_F(ABuild, KeepsWhatWasMadeFromTheSameRecipe) {
    build({.name = "web"});
    std::ofstream{image() / "etc/mark"} << "old";

    EXPECT_EQ(build({.name = "web"}).how, Built::kept);
    EXPECT_EQ(build({.name = "web", .replace = true}).how, Built::kept);
    recipe.description = "another word for the same";
    EXPECT_EQ(build({.name = "web"}).how, Built::kept);
    EXPECT_EQ(content_of(image() / "etc/mark"), "old");
    EXPECT_EQ(build({.name = "web", .replace = true, .anew = true}).how, Built::replaced);
    EXPECT_FALSE(fs::exists(image() / "etc/mark"));
}

TEST_F(ABuild, ReplacesWhatIsSomethingElseOnlyWhenAsked) {
    build({.name = "web"});
    recipe.packages.emplace_back("two");
    EXPECT_THAT(failure_of({.name = "web"}), HasSubstr("another text of the recipe"));

    const BuiltTree built = build({.name = "web", .replace = true});

    EXPECT_EQ(built.how, Built::replaced);
    ASSERT_EQ(built.left.size(), 1U);
    EXPECT_THAT(content_of(built.left[0] / "etc/command"), HasSubstr("--include=one "));
    EXPECT_THAT(content_of(image() / "etc/command"), HasSubstr("--include=one,two "));
    fs::create_directories(place.path() / "machines/own");
    EXPECT_THAT(failure_of({.name = "own"}), HasSubstr("was made from no recipe"));
}

TEST_F(ABuild, NoticesThatAFileItBringsAlongChanged) {
    const std::string before = key_of_build(recipe, {});
    place.write("etc/web.files/etc/motd", "good bye\n");
    const std::string after = key_of_build(recipe, {});

    EXPECT_NE(before, after);
    EXPECT_NE(after, key_of_build(recipe, {"http://other.example/"}));
}

TEST_F(ABuild, LeavesWhatWasThereAndNothingElseWhenItFails) {
    build({.name = "web"});
    recipe.packages.emplace_back("two");
    bootstrap("mkdir -p $PWD/none 2>/dev/null; echo 'E: no such package' >&2; exit 25\n");

    const std::string failure = failure_of({.name = "web", .replace = true});

    EXPECT_THAT(failure, HasSubstr("'mmdebstrap' ended with status 25"));
    EXPECT_THAT(failure, HasSubstr("E: no such package"));
    EXPECT_THAT(content_of(image() / "etc/command"), HasSubstr("--include=one "));
    EXPECT_THAT(entries("machines"), ElementsAre("web"));
}

TEST_F(ABuild, LeavesNothingWhenItIsCancelledAndEndsWhatItStarted) {
    bootstrap("echo $$ >" + place.path().string() + "/pid; sleep 100 & wait\n");
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string failure = failure_of({.name = "web"});
        ::_exit(failure.find("cancelled by signal 15") != std::string::npos ? 0 : 1);
    }
    std::string number;
    for (int turn = 0; turn < 500 && number.find('\n') == std::string::npos; ++turn) {
        std::this_thread::sleep_for(10ms);
        number = read_file_if_exists(place.path() / "pid").value_or("");
    }
    ::kill(child, SIGTERM);
    int status = -1;
    ::waitpid(child, &status, 0);

    EXPECT_EQ(status, 0);
    EXPECT_THAT(entries("machines"), IsEmpty());
    const pid_t group = std::atoi(number.c_str());
    ASSERT_GT(group, 1);
    // Its strays are reaped by process 1 of the host whenever that has time.
    for (int turn = 0; turn < 1000 && ::kill(-group, 0) == 0; ++turn)
        std::this_thread::sleep_for(10ms);
    EXPECT_EQ(::kill(-group, 0), -1) << "its group " << group << " is still there";
}

TEST_F(ABuild, TakesAwayWhatAKilledOneLeft) {
    place.write("machines/.#new.build.web/etc/half", "");

    build({.name = "web"});

    EXPECT_THAT(entries("machines"), ElementsAre("web"));
    EXPECT_FALSE(fs::exists(image() / "etc/half"));
}

TEST_F(ABuild, DoesNotReplaceWhatAMachineUses) {
    build({.name = "web"});
    recipe.packages.emplace_back("two");
    const ImageHold machine{pool(), pool().get("web"), LockMode::shared};

    EXPECT_THAT(failure_of({.name = "web", .replace = true}), HasSubstr("busy"));
}

TEST_F(ABuild, OfAMomentHasNothingYoungerInIt) {
    recipe = parse_recipe("suite=sid\nmirror=http://mirror.example/\nsnapshot=2020-01-01\n", place.path() / "etc/web")
                 .recipe;

    build({.name = "web"});

    EXPECT_EQ(content_of(image() / "etc/epoch"), "1577836800\n");
    for (const char* path : {"", "etc", "etc/epoch", "var/log"}) {
        struct stat status {};
        ASSERT_EQ(::stat((image() / path).c_str(), &status), 0);
        EXPECT_EQ(status.st_mtim.tv_sec, 1577836800) << path;
        EXPECT_EQ(status.st_mtim.tv_nsec, 0) << path;
    }
}

TEST_F(ABuild, OfAMomentIsTheSameTreeEachTime) {
    recipe = parse_recipe("suite=sid\nmirror=http://mirror.example/\nsnapshot=2020-01-01\nfiles=web.files\n",
                          place.path() / "etc/web")
                 .recipe;
    build({.name = "web"});
    // Files that come now, and another host name and log than before.
    bootstrap("for tree; do [ \"$tree\" = - ] || last=$tree; done\n"
              "mkdir -p $last/var/log $last/etc; echo other >$last/etc/hostname; echo 4567 >$last/etc/machine-id\n"
              "echo y >$last/var/log/dpkg.log; echo \"$SOURCE_DATE_EPOCH\" >$last/etc/epoch\n"
              "cp " +
              (image() / "etc/command").string() + " $last/etc/command\n");
    build({.name = "again"});

    // The list first: it says what differs. An archive with attributes has times of reading in it, if nobody minds.
    const auto all_of = [&](const char* name) {
        const auto told = run_program(
            {"/bin/sh", "-ec",
             "cd \"$0\"; find . -printf '%P %y %m %U %G %T@\\n' | sort; "
             "find . -type f -exec sha256sum {} + | sort -k 2; tar --sort=name --xattrs --xattrs-include='*' --acls "
             "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --numeric-owner -cf - . | sha256sum",
             (place.path() / "machines" / name).string()});
        return told.status == 0 ? told.output : std::string{name};
    };
    EXPECT_EQ(all_of("web"), all_of("again"));
}

TEST_F(ABuild, MakesTreesOutsideOfThePool) {
    const auto on_stage = [](std::string_view, std::string_view) {};
    const fs::path directory = place.path() / "trees";

    EXPECT_EQ(build_tree(directory, recipe, {.name = "web"}, on_stage).how, Built::made);
    EXPECT_EQ(build_tree(directory, recipe, {.name = "web"}, on_stage).how, Built::kept);
    EXPECT_EQ(fs::status(directory).permissions(), fs::perms::owner_all);
    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(ABuild, WithoutMmdebstrapSaysWhatIsMissing) {
    fs::remove(place.path() / "bin/mmdebstrap");
    ::setenv("PATH", (place.path() / "bin").c_str(), 1);

    EXPECT_THAT(failure_of({.name = "web"}), HasSubstr("'mmdebstrap': it is not installed"));
    ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

class FilesOfARecipe : public ABuild {};

TEST_F(FilesOfARecipe, FollowLinksOfTheTreeWithinItAndNeverOutOfIt) {
    place.write("files/lib/a", "a");
    place.write("files/out/b", "b");
    place.write("files/etc/passwd", "new");
    place.link("target", "files/lib/link");
    place.write("tree/usr/lib/x", "");
    place.link("usr/lib", "tree/lib");
    place.link("../../..", "tree/out");
    place.write("outside/passwd", "old");
    place.link(place.path() / "outside/passwd", "tree/etc/passwd");

    lay_files(place.path() / "files", open_path(place.path() / "tree", O_RDONLY | O_DIRECTORY));

    EXPECT_EQ(content_of(place.path() / "tree/usr/lib/a"), "a");
    EXPECT_EQ(fs::read_symlink(place.path() / "tree/usr/lib/link"), "target");
    EXPECT_EQ(content_of(place.path() / "tree/b"), "b");
    EXPECT_EQ(content_of(place.path() / "outside/passwd"), "old");
    EXPECT_EQ(content_of(place.path() / "tree/etc/passwd"), "new");
}

TEST_F(FilesOfARecipe, AreNoDevicesAndNoFifos) {
    place.make_directory("files");
    ASSERT_EQ(::mkfifo((place.path() / "files/fifo").c_str(), 0600), 0);

    EXPECT_THROW((void)account_of_files(place.path() / "files"), Failure);
}

TEST_F(FilesOfARecipe, OfTheHostAreNotRemovedThroughLinksOfTheTree) {
    place.write("outside/ssh_host_rsa_key", "key");
    place.write("tree/etc/machine-id", "");
    place.link(place.path() / "outside", "tree/etc/ssh");
    place.link("/etc/machine-id", "tree/var/lib/dbus/machine-id");
    fs::remove(place.path() / "tree/etc/machine-id");
    place.link(place.path() / "outside/ssh_host_rsa_key", "tree/etc/machine-id");

    remove_what_is_not_its_own(open_path(place.path() / "tree", O_RDONLY | O_DIRECTORY));

    EXPECT_EQ(content_of(place.path() / "outside/ssh_host_rsa_key"), "key");
}

} // namespace
} // namespace machinist
