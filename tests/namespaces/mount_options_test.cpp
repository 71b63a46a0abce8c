// SPDX-License-Identifier: LGPL-2.1-or-later
// The options about the tree and about mounts, seen from inside and from what they leave on disk.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

namespace {

class MountOption : public TheContainerInterface {
protected:
    Path outside(const std::string& name, std::string_view text = "of the host") {
        return tree.workplace().file("outside/" + name, text);
    }
    Path outside_directory(const std::string& name = "outside", mode_t mode = 0755) {
        return tree.workplace().directory(name, mode);
    }
    static std::string owner_of(const Path& path) {
        struct stat status {};
        ::lstat(path.c_str(), &status);
        return std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
    }
};

} // namespace

EVERY_WAY(MountOption);

TEST_P(MountOption, BindShowsADirectoryOfTheHost) {
    outside("file");
    boot({"--bind=" + outside_directory().string() + ":/inside"});

    EXPECT_EQ(ask("cat /inside/file"), "of the host");
    EXPECT_THAT(seen_mount(ask("mount-at /inside")).options, Contains("rw"));
}

TEST_P(MountOption, BindWithOneNameShowsItAtTheSamePlace) {
    outside("file");
    const std::string directory = outside_directory().string();
    boot({"--bind=" + directory});

    EXPECT_EQ(ask("cat " + directory + "/file"), "of the host");
}

TEST_P(MountOption, BindShowsAFileOfTheHost) {
    const Path file = outside("file");
    boot({"--bind-ro=" + file.string() + ":/new/directory/file"});

    EXPECT_EQ(ask("cat /new/directory/file"), "of the host");
    EXPECT_THAT(ask("open /new/directory/file w"), AnyOf("!EROFS", "!EACCES"));
}

TEST_P(MountOption, BindReadOnlyIsReadOnlyDownToTheLastMount) {
    outside("file");
    const Path below = outside_directory("outside/below");
    ASSERT_EQ(::mount("tmpfs", below.c_str(), "tmpfs", 0, nullptr), 0);
    boot({"--bind-ro=" + outside_directory().string() + ":/inside"});

    EXPECT_EQ(ask("create /inside/new"), "!EROFS");
    EXPECT_EQ(ask("filesystem /inside/below"), "tmpfs");
    EXPECT_EQ(ask("create /inside/below/new"), "!EROFS");
    end_machine();
    ::umount2(below.c_str(), MNT_DETACH);
}

TEST_P(MountOption, BindWithoutRecursionLeavesMountsOut) {
    const Path below = outside_directory("outside/below");
    ASSERT_EQ(::mount("tmpfs", below.c_str(), "tmpfs", 0, nullptr), 0);
    boot({"--bind=" + outside_directory().string() + ":/inside:norbind"});

    EXPECT_NE(ask("filesystem /inside/below"), "tmpfs");
    end_machine();
    ::umount2(below.c_str(), MNT_DETACH);
}

TEST_P(MountOption, BindOfNothingIsADirectoryForThisRun) {
    boot({"--bind=:/scratch"});

    EXPECT_EQ(ask("create /scratch/file"), "ok");
    EXPECT_EQ(ask("ls /scratch"), "file");
}

TEST_P(MountOption, BindFromTheImageIsTakenFromTheTree) {
    tree.file("usr/data/file", "of the image");
    boot({"--bind=+/usr/data:/inside"});

    EXPECT_EQ(ask("cat /inside/file"), "of the image");
}

TEST_P(MountOption, BindUnderstandsEscapedColons) {
    tree.workplace().file("with:colon/file", "x");
    boot({"--bind=" + (tree.workplace().path() / "with\\:colon").string() + ":/inside"});

    EXPECT_EQ(ask("cat /inside/file"), "x");
}

TEST_P(MountOption, BindOfAMissingPathIsRefusedBeforeTheStart) {
    const Outcome outcome = outcome_of(as_this_way({"--bind=/not/there:/inside"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("/not/there"));
}

TEST_P(MountOption, BindNeverFollowsALinkOfTheImageOutside) {
    outside("file");
    outside_directory("victim");
    fs::create_symlink(tree.workplace().path() / "victim", tree.path() / "inside");
    const Outcome outcome = outcome_of(as_this_way({"--bind=" + outside_directory().string() + ":/inside/sub"},
                                                   {"/probe", "--ask", "ls", "/inside/sub"}));

    EXPECT_TRUE(fs::is_empty(tree.workplace().path() / "victim"));
    if (outcome.status != 0) {
        EXPECT_THAT(outcome.errors, HasSubstr("inside"));
    }
}

TEST_P(MountOption, BindIdmapKeepsTheNumbers) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "there is nothing to map without users of its own";
    const Path file = outside("file");
    ASSERT_EQ(::chown(file.c_str(), 1000, 1001), 0);
    boot({"--bind=" + outside_directory().string() + ":/inside:idmap"});

    EXPECT_THAT(ask("stat /inside/file"), EndsWith(" 1000:1001"));
    EXPECT_EQ(ask("create /inside/new"), "ok");
    EXPECT_EQ(owner_of(tree.workplace().path() / "outside/new"), "0:0");
}

TEST_P(MountOption, BindWithoutMappingShowsStrangers) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "there is nothing to map without users of its own";
    outside("file");
    boot({"--bind=" + outside_directory().string() + ":/inside"});

    EXPECT_THAT(ask("stat /inside/file"), EndsWith(" 65534:65534"));
    EXPECT_EQ(ask("create /inside/new"), "!EACCES");
}

TEST_P(MountOption, BindRootIdmapGivesRootTheOwnersFiles) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "there is nothing to map without users of its own";
    const Path file = outside("file");
    ASSERT_EQ(::chown(file.c_str(), 1000, 1000), 0);
    ASSERT_EQ(::chown(outside_directory().c_str(), 1000, 1000), 0);
    boot({"--bind=" + (tree.workplace().path() / "outside").string() + ":/inside:rootidmap"});

    EXPECT_THAT(ask("stat /inside/file"), EndsWith(" 0:0"));
    EXPECT_EQ(ask("create /inside/new"), "ok");
    EXPECT_EQ(owner_of(tree.workplace().path() / "outside/new"), "1000:1000");
}

TEST_P(MountOption, BindOwnerIdmapGivesTheDestinationsOwnerTheFiles) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "there is nothing to map without users of its own";
    const Path file = outside("file");
    ASSERT_EQ(::chown(file.c_str(), 1234, 1234), 0);
    ASSERT_EQ(::chown(outside_directory().c_str(), 1234, 1234), 0);
    ASSERT_EQ(::chown(tree.directory("home/person").c_str(), 1000, 1000), 0);
    boot({"--bind=" + (tree.workplace().path() / "outside").string() + ":/home/person:owneridmap"});

    EXPECT_THAT(ask("stat /home/person/file"), EndsWith(" 1000:1000"));
    EXPECT_EQ(ask("as 1000 create /home/person/new"), "ok");
    EXPECT_EQ(owner_of(tree.workplace().path() / "outside/new"), "1234:1234");
}

TEST_P(MountOption, BindOfADeviceLetsItBeOpened) {
    if (GetParam().own_users)
        GTEST_SKIP() << "a mount of a user namespace honours no device";
    const Path node = tree.workplace().path() / "node";
    ASSERT_EQ(::mknod(node.c_str(), S_IFCHR | 0666, 10 << 8 | 237), 0); // loop-control
    boot({"--bind=" + node.string() + ":/dev/granted"});

    EXPECT_EQ(ask("open /dev/granted r"), "ok");
}

TEST_P(MountOption, TmpfsIsEmptyAndTakesOptions) {
    tree.file("data/hidden", "x");
    boot({"--tmpfs=/data:mode=0700,size=1m", "--tmpfs=/other"});

    EXPECT_EQ(ask("filesystem /data"), "tmpfs");
    EXPECT_EQ(ask("ls /data"), "");
    EXPECT_EQ(ask("stat /data"), "dir 0700 0:0 0:0");
    EXPECT_EQ(ask("stat /other"), "dir 0755 0:0 0:0");
    EXPECT_THAT(seen_mount(ask("mount-at /data")).super_options, Contains("size=1024k"));
    EXPECT_THAT(seen_mount(ask("mount-at /data")).options, Contains("nodev"));
}

TEST_P(MountOption, InaccessibleHidesADirectoryAndAFile) {
    tree.file("secret/file", "x");
    tree.file("password", "x");
    boot({"--inaccessible=/secret", "--inaccessible=/password"});

    EXPECT_EQ(ask("as 1000 ls /secret"), "!EACCES");
    EXPECT_EQ(ask("stat /secret/file"), "!ENOENT");
    EXPECT_THAT(ask("stat /secret"), StartsWith("dir 0000"));
    EXPECT_EQ(ask("as 1000 cat /password"), "!EACCES");
    EXPECT_EQ(ask("size /password"), "0");
}

TEST_P(MountOption, InaccessibleNeedsSomethingToHide) {
    const Outcome outcome = outcome_of(as_this_way({"--inaccessible=/not/there"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("/not/there"));
}

TEST_P(MountOption, OverlayWritesToItsUpperDirectory) {
    if (GetParam().own_users)
        GTEST_SKIP() << "directories of the host belong to nobody in there";
    outside("file", "lower");
    const Path upper = outside_directory("upper");
    boot({"--overlay=" + outside_directory().string() + ":" + upper.string() + ":/merged"});

    EXPECT_EQ(ask("cat /merged/file"), "lower");
    EXPECT_EQ(ask("create /merged/new text"), "ok");
    end_machine();
    EXPECT_EQ(text_of(upper / "new"), "text");
    EXPECT_FALSE(fs::exists(tree.workplace().path() / "outside/new"));
}

TEST_P(MountOption, OverlayOfSeveralShowsTheUppermost) {
    tree.workplace().file("one/file", "one");
    tree.workplace().file("two/file", "two");
    tree.workplace().file("two/other", "two");
    const std::string base = tree.workplace().path().string();
    boot({"--overlay=" + base + "/one:" + base + "/two::/merged"});

    EXPECT_EQ(ask("cat /merged/file"), "two");
    EXPECT_EQ(ask("create /merged/new"), "ok");
}

TEST_P(MountOption, OverlayReadOnlyIsReadOnly) {
    tree.workplace().file("one/file", "one");
    tree.workplace().file("two/other", "two");
    const std::string base = tree.workplace().path().string();
    boot({"--overlay-ro=" + base + "/one:" + base + "/two:/merged"});

    EXPECT_EQ(ask("ls /merged"), "file other");
    EXPECT_EQ(ask("create /merged/new"), "!EROFS");
}

TEST_P(MountOption, OverlayOverTheImageKeepsItAsItWas) {
    tree.file("etc/settings", "of the image");
    boot({"--overlay=+/etc::/etc"});

    EXPECT_EQ(ask("cat /etc/settings"), "of the image");
    EXPECT_EQ(ask("create /etc/settings changed"), "ok");
    EXPECT_EQ(ask("cat /etc/settings"), "changed");
    end_machine();
    EXPECT_EQ(tree.read("etc/settings"), "of the image");
}

TEST_P(MountOption, MountsAreMadeParentsFirst) {
    outside("file");
    boot({"--bind-ro=" + outside_directory().string() + ":/a/b", "--tmpfs=/a"});

    EXPECT_EQ(ask("filesystem /a"), "tmpfs");
    EXPECT_EQ(ask("cat /a/b/file"), "of the host");
}

TEST_P(MountOption, ReadOnlyProtectsTheTree) {
    boot({"--read-only"});

    EXPECT_THAT(seen_mount(ask("mount-at /")).options, Contains("ro"));
    EXPECT_EQ(ask("create /etc/new"), "!EROFS");
    EXPECT_EQ(ask("create /tmp/new"), "ok");
    EXPECT_EQ(ask("create /run/new"), "ok");
}

TEST_P(MountOption, VolatileYesStartsFromUsrAlone) {
    // Only /usr is kept, so init must be in it.
    tree.file("var/state", "x");
    boot({"--volatile"}, {"/usr/lib/systemd/systemd"});

    EXPECT_EQ(ask("filesystem /"), "tmpfs");
    EXPECT_EQ(ask("stat /etc/passwd"), "!ENOENT");
    EXPECT_EQ(ask("stat /var/state"), "!ENOENT");
    EXPECT_THAT(seen_mount(ask("mount-at /usr")).options, Contains("ro"));
    EXPECT_EQ(ask("create /etc/new"), "ok");
    end_machine();
    EXPECT_FALSE(tree.has("etc/new"));
}

TEST_P(MountOption, VolatileStateStartsWithoutVar) {
    tree.file("var/state", "x");
    boot({"--volatile=state"});

    EXPECT_EQ(ask("filesystem /var"), "tmpfs");
    EXPECT_EQ(ask("ls /var"), "");
    EXPECT_EQ(ask("create /etc/new"), "!EROFS");
    EXPECT_EQ(ask("create /var/new"), "ok");
    end_machine();
    EXPECT_FALSE(tree.has("var/new"));
    EXPECT_TRUE(tree.has("var/state"));
}

TEST_P(MountOption, VolatileOverlayKeepsNothing) {
    tree.file("var/state", "x");
    boot({"--volatile=overlay"});

    EXPECT_EQ(ask("filesystem /"), "overlay");
    EXPECT_EQ(ask("cat /var/state"), "x");
    EXPECT_EQ(ask("create /var/state y"), "ok");
    end_machine();
    EXPECT_EQ(tree.read("var/state"), "x");
}

TEST_P(MountOption, EphemeralKeepsNothing) {
    tree.file("etc/settings", "of the image");
    boot({"--ephemeral"});

    EXPECT_EQ(ask("create /etc/settings changed"), "ok");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    EXPECT_EQ(ask("cat /etc/settings"), "changed");
    end_machine();
    EXPECT_EQ(tree.read("etc/settings"), "of the image");
    EXPECT_FALSE(tree.has("etc/new"));
}

TEST_P(MountOption, EphemeralMachinesOfOneTreeRunBesideEachOther) {
    boot({"-x"});
    ASSERT_EQ(ask("create /etc/mine first"), "ok");
    Machine& first = machine();
    boot({"-x"});

    EXPECT_EQ(ask("stat /etc/mine"), "!ENOENT");
    EXPECT_EQ(first.ask("cat /etc/mine"), "first");
}

TEST_P(MountOption, TreeInUseIsNotUsedTwice) {
    boot();
    ASSERT_EQ(ask("hostname"), machine().name());

    const Outcome outcome = outcome_of(as_this_way());

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("busy"));
}

TEST_P(MountOption, TreeMayBeReadByMany) {
    boot({"--read-only"});
    ASSERT_EQ(ask("hostname"), machine().name());

    boot({"--read-only"});

    EXPECT_EQ(ask("hostname"), machine().name());
}

TEST_P(MountOption, TemplateIsCopiedOnce) {
    tree.file("etc/settings", "of the template");
    const Path copy = tree.workplace().path() / "copy";
    std::vector<std::string> options{"--template=" + tree.path().string(), "--directory=" + copy.string()};
    boot(options);
    EXPECT_EQ(ask("cat /etc/settings"), "of the template");
    EXPECT_EQ(ask("create /etc/settings changed"), "ok");
    end_machine();

    EXPECT_EQ(tree.read("etc/settings"), "of the template");
    EXPECT_EQ(text_of(copy / "etc/settings"), "changed");
    boot(options);
    EXPECT_EQ(ask("cat /etc/settings"), "changed");
}

TEST_P(MountOption, PivotRootMakesAnotherDirectoryTheRoot) {
    tree.directory("deploy/usr");
    tree.directory("deploy/sysroot");
    fs::copy_file(tree.path() / "probe", tree.path() / "deploy/probe");
    tree.file("deploy/new-root", "x");
    boot({"--pivot-root=/deploy:/sysroot"});

    EXPECT_EQ(ask("cat /new-root"), "x");
    EXPECT_THAT(ask("ls /sysroot"), HasSubstr("probe"));
}

TEST_P(MountOption, MissingDirectoriesOfABareTreeAreMade) {
    for (const char* name : {"etc", "var", "proc", "sys", "dev", "run", "tmp", "root"})
        fs::remove_all(tree.path() / name);
    boot();

    for (const char* name : {"/proc", "/sys", "/dev", "/run", "/tmp", "/etc", "/var", "/root"})
        EXPECT_THAT(ask(std::string{"stat "} + name), StartsWith("dir")) << name;
    end_machine();
    EXPECT_TRUE(fs::exists(tree.path() / "etc"));
}

TEST_P(MountOption, TreeWithoutUsrIsRefused) {
    fs::remove_all(tree.path() / "usr");

    const Outcome outcome = outcome_of(as_this_way());

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("usr"));
}

TEST_P(MountOption, BootNeedsAnOsRelease) {
    fs::remove(tree.path() / "usr/lib/os-release");

    const Outcome outcome = outcome_of(as_this_way({"--boot"}, {}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("os-release"));
}

} // namespace machinist::test
