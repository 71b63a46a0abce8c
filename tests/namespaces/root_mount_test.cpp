// SPDX-License-Identifier: LGPL-2.1-or-later
// Mounts whose destination is the root itself: what the machine has for a root then, and what becomes of its image.
#include "namespaces/container_interface.hpp"

#include <filesystem>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::Contains;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

namespace {

class AMountOnTheRoot : public TheContainerInterface {
protected:
    void SetUp() override {
        TheContainerInterface::SetUp();
        tree.file("etc/settings", "of the image");
    }
    // Users of its own are excluded by such a mount, unless the caller says which.
    Machine& boot_on(std::vector<std::string> options) {
        options.emplace_back("--private-users=no");
        return boot(std::move(options));
    }
    Path upper() {
        return tree.workplace().directory("upper");
    }
    [[nodiscard]] std::vector<std::string> left_in_workplace() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator{tree.workplace().path()})
            names.push_back(entry.path().filename());
        return names;
    }
};

} // namespace

EVERY_WAY(AMountOnTheRoot);

TEST_P(AMountOnTheRoot, OfAnOverlayOnTheImageTakesWhatIsWritten) {
    boot_on({"--overlay=+/:" + upper().string() + ":/"});

    EXPECT_EQ(ask("filesystem /"), "overlay");
    EXPECT_THAT(seen_mount(ask("mount-at /")).options, Contains("rw"));
    EXPECT_EQ(ask("cat /etc/settings"), "of the image");
    EXPECT_EQ(ask("create /etc/settings changed"), "ok");
    EXPECT_EQ(ask("create /new text"), "ok");
    EXPECT_EQ(ask("filesystem /dev"), "tmpfs");
    EXPECT_EQ(ask("filesystem /sys"), "sysfs");
    EXPECT_EQ(ask("filesystem /run"), "tmpfs");
    end_machine();
    EXPECT_EQ(tree.read("etc/settings"), "of the image");
    EXPECT_FALSE(tree.has("new"));
    EXPECT_EQ(text_of(upper() / "etc/settings"), "changed");
    EXPECT_EQ(text_of(upper() / "new"), "text");
}

TEST_P(AMountOnTheRoot, OfAnOverlayWithATemporaryLayerIsForgotten) {
    boot_on({"--overlay=+/::/"});

    EXPECT_EQ(ask("create /etc/settings changed"), "ok");
    EXPECT_EQ(ask("cat /etc/settings"), "changed");
    end_machine();
    EXPECT_EQ(tree.read("etc/settings"), "of the image");
}

TEST_P(AMountOnTheRoot, OfAnOverlayOnDirectoriesOfTheHostNeedsNothingOfTheImage) {
    const Path lower = tree.workplace().directory("lower");
    fs::copy(tree.path(), lower, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    tree.workplace().file("lower/etc/settings", "of the layer below");
    boot_on({"--overlay=" + lower.string() + ":" + upper().string() + ":/"});

    EXPECT_EQ(ask("cat /etc/settings"), "of the layer below");
    EXPECT_EQ(ask("create /new text"), "ok");
    end_machine();
    EXPECT_EQ(text_of(upper() / "new"), "text");
    EXPECT_FALSE(fs::exists(lower / "new"));
    EXPECT_THAT(left_in_workplace(), UnorderedElementsAre("tree", "lower", "upper"));
}

TEST_P(AMountOnTheRoot, OfADirectoryIsTheRoot) {
    const Path other = tree.workplace().directory("other");
    fs::copy(tree.path(), other, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    tree.workplace().file("other/etc/settings", "of the other");
    boot_on({"--bind=" + other.string() + ":/"});

    EXPECT_EQ(ask("cat /etc/settings"), "of the other");
    EXPECT_THAT(seen_mount(ask("mount-at /")).options, Contains("nodev"));
    EXPECT_EQ(ask("create /new text"), "ok");
    end_machine();
    EXPECT_EQ(text_of(other / "new"), "text");
    EXPECT_FALSE(tree.has("new"));
}

TEST_P(AMountOnTheRoot, IsMadeBeforeAllOtherMounts) {
    tree.workplace().file("outside/file", "of the host");
    boot_on({"--bind=" + (tree.workplace().path() / "outside").string() + ":/mnt/data", "--tmpfs=/srv",
             "--overlay=+/:" + upper().string() + ":/"});

    EXPECT_EQ(ask("cat /mnt/data/file"), "of the host");
    EXPECT_EQ(ask("filesystem /srv"), "tmpfs");
    EXPECT_EQ(ask("filesystem /"), "overlay");
}

TEST_P(AMountOnTheRoot, LiesAboveAThrowAwayLayer) {
    boot_on({"--ephemeral", "--overlay=+/:" + upper().string() + ":/"});

    EXPECT_EQ(ask("cat /etc/settings"), "of the image");
    EXPECT_EQ(ask("create /new text"), "ok");
    const pid_t before = machine().leader();
    machine().tell("reboot restart");
    ASSERT_TRUE(eventually([&] { return machine().leader() != before; }, 10s)) << machine().program().errors();
    EXPECT_EQ(ask("cat /new"), "text");
    EXPECT_EQ(ask("cat /etc/settings"), "of the image");
    end_machine();
    EXPECT_EQ(text_of(upper() / "new"), "text");
}

TEST_P(AMountOnTheRoot, BelongsToUsersThatTheCallerChose) {
    boot({"--private-users=1879048192:65536", "--private-users-ownership=off", "--overlay=+/::/"});

    EXPECT_EQ(ask("create /new text"), "ok");
    EXPECT_EQ(ask("cat /new"), "text");
    EXPECT_EQ(ask("cat /etc/settings"), "of the image");
}

TEST_P(AMountOnTheRoot, ThatHidesItIsRefused) {
    expect_refused({"--private-users=no", "--inaccessible=/"}, "--inaccessible=/ leaves nothing");
}

TEST_P(AMountOnTheRoot, MustBeADirectory) {
    const Outcome outcome =
        outcome_of(as_this_way({"--private-users=no", "--bind=" + tree.workplace().file("file", "x").string() + ":/"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("cannot be a machine's root"));
}

} // namespace machinist::test
