// SPDX-License-Identifier: LGPL-2.1-or-later
// What the verbs do with disk images and with machines that run from them.
#include "base/scope_exit.hpp"
#include "namespaces/a_disk.hpp"

namespace fs = std::filesystem;

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

class ADiskOfThePool : public ADisk {
protected:
    void SetUp() override {
        ADisk::SetUp();
        if (IsSkipped())
            return;
        tree.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        fs::create_directories(images);
        name = unused_name();
        fs::rename(bare("ext4"), images / (name + ".raw"));
    }
    void TearDown() override {
        ADisk::TearDown();
        for (const char* suffix : {"-other", "-tree", ""})
            if (!name.empty())
                machinist({"remove", "--wait", "--quiet", name + suffix});
    }
    std::string done(const std::vector<std::string>& words) {
        const Outcome outcome = machinist(words);
        EXPECT_EQ(outcome.status, 0) << outcome.errors;
        return outcome.output;
    }
    void start_it(std::vector<std::string> options = {}) {
        options.push_back("--image=" + (images / (name + ".raw")).string());
        start({.options = options});
        ask("pid");
    }

    const Path images = "/var/lib/machines";
    std::string name;
};

} // namespace

TEST_F(ADiskOfThePool, IsComparedWithItsSnapshot) {
    done({"snapshot", "create", name, "before"});
    start_it();
    EXPECT_EQ(ask("create /etc/new"), "ok");
    EXPECT_EQ(end_machine(), 0);

    const std::string said = done({"diff", name, "--no-legend"});
    EXPECT_THAT(said, AllOf(HasSubstr("/etc/new"), Not(HasSubstr("/etc/name"))));
    done({"snapshot", "restore", name, "before"});
    EXPECT_THAT(done({"diff", name, "--no-legend"}), Not(HasSubstr("/etc/new")));
    done({"snapshot", "remove", name, "before"});
}

TEST_F(ADiskOfThePool, IsComparedWithTheInstanceThatRunsFromIt) {
    start_it({"-x"});
    EXPECT_EQ(ask("create /etc/new"), "ok");

    EXPECT_THAT(done({"diff", machine().name(), "--no-legend"}), HasSubstr("/etc/new"));
}

TEST_F(ADiskOfThePool, IsComparedWithAnother) {
    done({"clone", name, name + "-other"});
    start({.options = {"--image=" + (images / (name + "-other.raw")).string()}});
    EXPECT_EQ(ask("create /etc/of-the-other"), "ok");
    EXPECT_EQ(end_machine(), 0);

    EXPECT_THAT(done({"diff", name, name + "-other", "--no-legend"}), HasSubstr("/etc/of-the-other"));
}

TEST_F(ADiskOfThePool, BecomesATreeByACommitOfAnInstance) {
    start_it({"-x", "-U"});
    EXPECT_EQ(ask("create /etc/new"), "ok");

    done({"commit", machine().name(), name + "-tree"});
    EXPECT_EQ(end_machine(), 0);

    const Path made = images / (name + "-tree");
    EXPECT_EQ(text_of(made / "etc/name"), "root");
    EXPECT_TRUE(fs::exists(made / "etc/new"));
    start({.options = {"--directory=" + made.string()}});
    EXPECT_THAT(ask("stat /etc/new"), HasSubstr(" 0:0"));
}

TEST_F(ADiskOfThePool, HasALayerOnDiskOrACopyForAnInstance) {
    for (const char* layer : {"--layer=disk", "--layer=copy"}) {
        SCOPED_TRACE(layer);
        start_it({"-x", layer});
        EXPECT_EQ(ask("create /etc/new"), "ok");
        EXPECT_EQ(end_machine(), 0);
        start_it({"-x", layer});
        EXPECT_EQ(ask("size /etc/new"), "!ENOENT");
        const std::string instance = machine().name();
        EXPECT_EQ(end_machine(), 0);
        EXPECT_THAT(remnants_of(instance, images), testing::IsEmpty());
    }
}

TEST_F(ADiskOfThePool, SharesItsExtentsWithAnInstanceWhereTheFilesystemCan) {
    // A filesystem that can, on a loop device of its own.
    const Path pool = tree.workplace().directory("pool");
    const Path btrfs = make_filesystem_file(tree.path(), "btrfs", place("extents.img"), "256M");
    shell("mount -o loop '" + btrfs.string() + "' '" + pool.string() + "'");
    const ScopeExit unmount{[&] { shell("umount '" + pool.string() + "'"); }};
    fs::copy_file(images / (name + ".raw"), pool / "disk.raw");
    start({.options = {"-x", "--layer=reflink", "--image=" + (pool / "disk.raw").string()}});
    EXPECT_EQ(ask("create /etc/new"), "ok");
    EXPECT_EQ(end_machine(), 0);
    start({.options = {"--read-only", "--image=" + (pool / "disk.raw").string()}});
    EXPECT_EQ(ask("size /etc/new"), "!ENOENT");
    EXPECT_EQ(end_machine(), 0);

    Start refused = {.options = {"-x", "--layer=reflink", "--image=" + (images / (name + ".raw")).string()},
                     .command = {"/probe", "--ask", "pid"}};
    const Outcome outcome = outcome_of(refused);
    // /var/lib/machines may well be on a filesystem that can.
    EXPECT_TRUE(outcome.status == 0 || outcome.errors.find("shares its extents") != std::string::npos)
        << outcome.errors;
    EXPECT_TRUE(eventually([&] { return loop_devices_of(pool).empty(); }));
}

} // namespace machinist::test
