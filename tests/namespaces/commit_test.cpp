// SPDX-License-Identifier: LGPL-2.1-or-later
// Images that are made of machines whose changes would be gone with them.
#include "namespaces/machine.hpp"

#include <filesystem>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::HasSubstr;

namespace {

struct Forgetful {
    const char* name;
    std::vector<std::string> options;
};

// Runs from an image of the pool.
class AForgetfulMachine : public ABootedMachine, public testing::WithParamInterface<Forgetful> {
protected:
    void SetUp() override {
        ABootedMachine::SetUp();
        if (IsSkipped())
            return;
        tree.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        tree.file("etc/name", "of the image");
        tree.file("etc/removed", "of the image");
        fs::create_directories(images);
        name = unused_name();
        fs::copy(tree.path(), images / name, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    }
    void TearDown() override {
        ABootedMachine::TearDown();
        for (const char* suffix : {"-again", "-new", ""})
            if (!name.empty())
                machinist({"remove", "--wait", "--quiet", name + suffix});
    }
    Machine& start_from(const std::string& image, std::vector<std::string> options = {}) {
        const bool is_stack = fs::is_directory(images / (image + ".mstack"));
        options.push_back(is_stack ? "--mstack=" + (images / (image + ".mstack")).string()
                                   : "--directory=" + (images / image).string());
        return start({.options = std::move(options)});
    }
    void commit(const std::string& new_name) {
        const Outcome outcome = machinist({"commit", machine().name(), new_name});
        ASSERT_EQ(outcome.status, 0) << outcome.errors;
    }

    const Path images = "/var/lib/machines";
    std::string name;
};

} // namespace

INSTANTIATE_TEST_SUITE_P(With, AForgetfulMachine,
                         testing::Values(Forgetful{"ALayerInMemory", {"-x"}}, Forgetful{"UsersOfItsOwn", {"-x", "-U"}},
                                         Forgetful{"ALayerOnDisk", {"-x", "--layer=disk"}},
                                         Forgetful{"ACopy", {"-x", "--layer=copy"}},
                                         Forgetful{"AVolatileOverlay", {"--volatile=overlay"}}),
                         [](const auto& kind) { return std::string{kind.param.name}; });

TEST_P(AForgetfulMachine, IsKeptAsAnImageByACommit) {
    start_from(name, GetParam().options);
    ASSERT_EQ(ask("create /etc/new"), "ok");
    ASSERT_EQ(ask("unlink /etc/removed"), "ok");

    commit(name + "-new");
    ASSERT_EQ(ask("create /etc/too-late"), "ok");
    ASSERT_EQ(end_machine(), 0);

    start_from(name + "-new");
    EXPECT_THAT(ask("stat /etc/new"), HasSubstr(" 0:0"));
    EXPECT_EQ(ask("cat /etc/name"), "of the image");
    EXPECT_EQ(ask("size /etc/removed"), "!ENOENT");
    EXPECT_EQ(ask("size /etc/too-late"), "!ENOENT");
    ASSERT_EQ(end_machine(), 0);
    // The image is what it was.
    start_from(name);
    EXPECT_EQ(ask("size /etc/new"), "!ENOENT");
    EXPECT_EQ(ask("cat /etc/removed"), "of the image");
}

TEST_P(AForgetfulMachine, OfACommittedImageIsCommittedAgain) {
    start_from(name, GetParam().options);
    ASSERT_EQ(ask("create /etc/first"), "ok");
    commit(name + "-new");
    ASSERT_EQ(end_machine(), 0);

    start_from(name + "-new", GetParam().options);
    ASSERT_EQ(ask("create /etc/second"), "ok");
    commit(name + "-again");
    ASSERT_EQ(end_machine(), 0);

    start_from(name + "-again");
    EXPECT_EQ(ask("size /etc/first"), "0");
    EXPECT_EQ(ask("size /etc/second"), "0");
}

} // namespace machinist::test
