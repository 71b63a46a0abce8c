// SPDX-License-Identifier: LGPL-2.1-or-later
// Mount stacks, seen from inside and from what machines leave in them.
#include "namespaces/container_interface.hpp"
#include "namespaces/disk_images.hpp"

#include <filesystem>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::Contains;
using testing::HasSubstr;

namespace {

class AStackOfMounts : public TheContainerInterface {
protected:
    void SetUp() override {
        TheContainerInterface::SetUp();
        if (IsSkipped())
            return;
        fs::create_directories(stack());
        fs::rename(tree.path(), stack() / "layer@0");
    }
    [[nodiscard]] Path stack() const {
        return tree.workplace().path() / "web.mstack";
    }
    void write(const std::string& name, std::string_view text) const {
        (void)tree.workplace().file("web.mstack/" + name, text);
    }
    Machine& boot_stack(std::vector<std::string> options = {}) {
        options.push_back("--mstack=" + stack().string());
        return boot(std::move(options));
    }
    [[nodiscard]] bool is_kept(const Path& name) const {
        return fs::exists(stack() / name);
    }
};

} // namespace

EVERY_WAY(AStackOfMounts);

TEST_P(AStackOfMounts, ShowsItsHighestLayerOnTop) {
    write("layer@0/usr/which", "lower");
    write("layer@1/usr/which", "upper");
    boot_stack();

    EXPECT_EQ(ask("cat /usr/which"), "upper");
    EXPECT_EQ(ask("write /usr/which x"), "!EROFS");
}

TEST_P(AStackOfMounts, KeepsWhatIsWrittenInItsOwnPlace) {
    fs::create_directories(stack() / "rw");
    boot_stack();
    ASSERT_EQ(ask("create /etc/new"), "ok");
    ASSERT_EQ(end_machine(), 0);

    EXPECT_TRUE(is_kept("rw/data/etc/new"));
    EXPECT_FALSE(is_kept("layer@0/etc/new"));
    boot_stack();
    EXPECT_EQ(ask("size /etc/new"), "0");
}

TEST_P(AStackOfMounts, BindsItsPartsWithTheMachinesOwners) {
    fs::create_directories(stack() / "rw");
    write("bind@srv-data/file", "to be written");
    write("robind@srv-fixed/file", "to be read");
    boot_stack();

    EXPECT_EQ(ask("cat /srv/data/file"), "to be written");
    EXPECT_THAT(ask("stat /srv/data/file"), HasSubstr(" 0:0"));
    EXPECT_EQ(ask("create /srv/data/new"), "ok");
    EXPECT_EQ(ask("create /srv/fixed/new"), "!EROFS");
    ASSERT_EQ(end_machine(), 0);
    EXPECT_TRUE(is_kept("bind@srv-data/new"));
}

TEST_P(AStackOfMounts, HasOnlyUsrInARootOfItsOwn) {
    write("root/etc/of-the-root", "text");
    fs::copy_file(stack() / "layer@0/probe", stack() / "root/probe");
    boot_stack();

    EXPECT_EQ(ask("cat /etc/of-the-root"), "text");
    EXPECT_THAT(ask("cat /usr/lib/os-release"), HasSubstr("ID="));
    EXPECT_EQ(ask("create /usr/new"), "!EROFS");
    EXPECT_EQ(ask("create /etc/new"), "ok");
}

TEST_P(AStackOfMounts, IsNotChangedByAnEphemeralMachine) {
    fs::create_directories(stack() / "rw");
    write("bind@srv/file", "of the stack");
    boot_stack({"--ephemeral"});

    EXPECT_EQ(ask("write /srv/file changed"), "ok");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    ASSERT_EQ(end_machine(), 0);
    EXPECT_EQ(text_of(stack() / "bind@srv/file"), "of the stack");
    EXPECT_FALSE(is_kept("rw/data/etc/new"));
}

TEST_P(AStackOfMounts, IsReadOnlyAsAWhole) {
    fs::create_directories(stack() / "layer@0/srv");
    write("bind@srv/file", "of the stack");
    boot_stack({"--read-only"});

    EXPECT_EQ(ask("write /srv/file changed"), "!EROFS");
    EXPECT_EQ(ask("create /new"), "!EROFS");
}

TEST_P(AStackOfMounts, HasDiskImagesAsLayersAndParts) {
    write("content/usr/which", "of a disk");
    make_filesystem_file(stack() / "content", "squashfs", stack() / "layer@1.raw");
    make_filesystem_file(stack() / "content", "ext4", stack() / "bind@srv-data.raw", "16M");
    make_filesystem_file(stack() / "content", "ext4", stack() / "robind@srv-fixed.raw", "16M");
    fs::remove_all(stack() / "content");
    fs::create_directories(stack() / "rw");
    boot_stack();

    EXPECT_EQ(ask("cat /usr/which"), "of a disk");
    EXPECT_THAT(ask("cat /usr/lib/os-release"), HasSubstr("ID="));
    EXPECT_THAT(ask("stat /srv/data/usr/which"), HasSubstr(" 0:0"));
    EXPECT_EQ(ask("create /usr/new"), "ok");
    EXPECT_EQ(ask("create /srv/data/new"), "ok");
    EXPECT_EQ(ask("create /srv/fixed/new"), "!EROFS");
    ASSERT_EQ(end_machine(), 0);

    boot_stack({"--ephemeral"});
    EXPECT_EQ(ask("size /srv/data/new"), "0");
    EXPECT_EQ(ask("create /srv/data/thrown-away"), "ok");
    ASSERT_EQ(end_machine(), 0);

    boot_stack();
    EXPECT_EQ(ask("size /usr/new"), "0");
    EXPECT_EQ(ask("size /srv/data/thrown-away"), "!ENOENT");
    ASSERT_EQ(end_machine(), 0);
    EXPECT_TRUE(eventually([&] { return loop_devices_of(stack()).empty(); }));
}

TEST_P(AStackOfMounts, IsRefusedBesideADirectory) {
    const Outcome outcome =
        outcome_of(as_this_way({"--mstack=" + stack().string(), "--directory=" + tree.path().string()}));

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("--mstack and --directory exclude each other"));
}

namespace {

class AnImageOfOci : public ABootedMachine {
protected:
    void TearDown() override {
        ABootedMachine::TearDown();
        std::error_code ignored;
        fs::remove_all(pool(), ignored);
        // Its layers have no image any more.
        machinist({"gc"});
    }
    [[nodiscard]] Path pool() const {
        return tree.workplace().path() / "pool";
    }
    std::string done(std::vector<std::string> words) const {
        words.push_back("--image-root=" + pool().string());
        const Outcome outcome = machinist(std::move(words));
        return outcome.status == 0 ? "" : outcome.errors;
    }
};

} // namespace

TEST_F(AnImageOfOci, RunsAsItsConfigurationSays) {
    (void)tree.workplace().file("pool/plain.nspawn", "[Exec]\nBoot=no\nParameters=/probe\nEnvironment=COLOUR=blue\n"
                                                     "WorkingDirectory=/usr\nKillSignal=SIGTERM\n");
    const std::string name = unused_name();
    const std::string archive = (pool() / "plain.oci").string();
    ASSERT_EQ(done({"import-fs", tree.path().string(), "plain"}), "");
    ASSERT_EQ(done({"export-oci", "plain", archive}), "");
    ASSERT_EQ(done({"import", archive, name}), "");

    start({.options = {"--directory=" + (pool() / name).string()}, .command = {}, .name = name});

    EXPECT_EQ(ask("getenv COLOUR"), "blue");
    EXPECT_EQ(ask("cwd"), "/usr");
    EXPECT_THAT(ask("pid"), HasSubstr("pid=1 "));
    EXPECT_THAT(ask("stat /usr/lib/os-release"), HasSubstr(" 0:0"));
    EXPECT_EQ(ask("create /etc/new"), "ok");
}

} // namespace machinist::test
