// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/stack.hpp"

#include "base/failure.hpp"
#include "image/stack_mount.hpp"
#include "kernel/files.hpp"
#include "unit/private_mounts.hpp"
#include "unit/temporary_directory.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;
using testing::in_private_mounts;
using testing::TemporaryDirectory;

class AMountStack : public ::testing::Test {
protected:
    [[nodiscard]] std::filesystem::path stack() const {
        return place.path() / "web.mstack";
    }
    void write(const std::string& name, const std::string& text) const {
        place.write("web.mstack/" + name, text);
    }
    void make_directory(const std::string& name) const {
        place.make_directory("web.mstack/" + name);
    }
    [[nodiscard]] std::string refusal() const {
        try {
            (void)read_stack(stack());
            return "none";
        } catch (const Failure& failure) {
            return failure.what();
        }
    }
    [[nodiscard]] std::string seen(const std::string& name) const {
        return read_untrusted(open_image_tree(stack()), name).value_or("nothing");
    }
    // What becomes of a machine that writes to this file of it.
    [[nodiscard]] std::string after_writing(const std::string& name, bool as_instance = false) const {
        place.make_directory("staging");
        return in_private_mounts([&] {
            const UniqueFd staging = open_path(place.path() / "staging", O_PATH | O_DIRECTORY);
            std::optional<UpperSpace> space;
            if (as_instance)
                space = UpperSpace::in_memory(make_directories_beneath(staging, "space", 0700, Links::refuse));
            const StackMount made = mount_stack(read_stack(stack()), {}, space ? &*space : nullptr, true, staging);
            const UniqueFd file{::openat(made.mount.get(), name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
            if (!file)
                return std::string{strerrorname_np(errno)};
            write_all(file, "written");
            return std::string{"done"};
        });
    }

    TemporaryDirectory place;
};

TEST(APathInTheNameOfAUnit, IsReadAsSystemdEscapesIt) {
    EXPECT_EQ(path_from_unit_name("var"), "/var");
    EXPECT_EQ(path_from_unit_name("var-lib-data"), "/var/lib/data");
    EXPECT_EQ(path_from_unit_name("-"), "/");
    EXPECT_EQ(path_from_unit_name("srv-my\\x2ddata"), "/srv/my-data");
    EXPECT_EQ(path_from_unit_name("\\x2ehidden"), "/.hidden");
}

TEST(APathInTheNameOfAUnit, IsRefusedIfItIsNone) {
    for (const char* name : {"", "var--lib", "var-", "-var", "..", "var-..-etc", "\\x2e\\x2e", "a\\x2fb", "a\\x00b",
                             "a\\x2", "a\\", "a\\u1234", "a-.-b"})
        EXPECT_EQ(path_from_unit_name(name), std::nullopt) << name;
}

TEST_F(AMountStack, HasItsLayersByVersion) {
    for (const char* name : {"layer@10", "layer@2", "layer@9.1"})
        make_directory(name);

    const Stack found = read_stack(stack());

    EXPECT_THAT(found.layers, ::testing::ElementsAre(stack() / "layer@2", stack() / "layer@9.1", stack() / "layer@10"));
    EXPECT_TRUE(found.is_plain());
}

TEST_F(AMountStack, TakesTheNewestVersionOfEachEntry) {
    make_directory("layer@0.v/layer@0_1.2");
    make_directory("layer@0.v/layer@0_1.10");
    make_directory("bind@srv.v/bind@srv_3");

    const Stack found = read_stack(stack());

    EXPECT_THAT(found.layers, ::testing::ElementsAre(stack() / "layer@0.v/layer@0_1.10"));
    ASSERT_EQ(found.parts.size(), 1U);
    EXPECT_EQ(found.parts[0].source, stack() / "bind@srv.v/bind@srv_3");
    EXPECT_EQ(found.parts[0].destination, "/srv");
}

TEST_F(AMountStack, IsRefusedWithWhatNoStackHas) {
    make_directory("layer@0");
    make_directory("layers");

    EXPECT_THAT(refusal(), HasSubstr("'layers' in it is nothing that a mount stack has"));
}

TEST_F(AMountStack, IsRefusedWithTwoEntriesForOnePlace) {
    make_directory("layer@0");
    make_directory("bind@var");
    make_directory("robind@var");

    EXPECT_THAT(refusal(), HasSubstr("'/var' is bound twice"));
}

TEST_F(AMountStack, IsRefusedWithOneLayerTwice) {
    make_directory("layer@0");
    make_directory("layer@0.v/layer@0_1");

    EXPECT_THAT(refusal(), HasSubstr("a layer is there twice"));
}

TEST_F(AMountStack, IsRefusedWithoutAnythingBelowWhatIsWritten) {
    make_directory("rw");

    EXPECT_THAT(refusal(), HasSubstr("it has no layers"));
}

TEST_F(AMountStack, HasDiskImagesAsLayersAndParts) {
    make_directory("layer@0");
    write("layer@1.raw", "");
    make_directory("layer@2.raw.v");
    write("layer@2.raw.v/layer@2_1.raw", "");
    write("layer@2.raw.v/layer@2_2.raw", "");
    write("bind@srv.raw", "");

    const Stack found = read_stack(stack());

    EXPECT_THAT(found.layers, ::testing::ElementsAre(stack() / "layer@0", stack() / "layer@1.raw",
                                                     stack() / "layer@2.raw.v" / "layer@2_2.raw"));
    EXPECT_EQ(found.parts.at(0).source, stack() / "bind@srv.raw");
    EXPECT_EQ(found.parts.at(0).destination, "/srv");
    EXPECT_FALSE(found.is_plain());
}

TEST_F(AMountStack, IsRefusedWithADiskImageThatIsNone) {
    make_directory("layer@0");
    make_directory("layer@1.raw");
    EXPECT_THAT(refusal(), HasSubstr("'layer@1.raw' in it is no disk image"));
    std::filesystem::remove(stack() / "layer@1.raw");

    write("rw.raw", "");
    EXPECT_THAT(refusal(), HasSubstr("'rw.raw' in it is no disk image"));
}

class AMountedStack : public AMountStack {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
};

TEST_F(AMountedStack, ShowsOnlyUsrOfItsLayersInARootOfItsOwn) {
    write("layer@0/usr/tool", "of the layer");
    write("layer@0/etc/hostname", "of the layer");
    write("root/etc/hostname", "of the root");
    make_directory("root/usr");

    EXPECT_EQ(seen("usr/tool"), "of the layer");
    EXPECT_EQ(seen("etc/hostname"), "of the root");
    EXPECT_EQ(after_writing("etc/new"), "done");
    EXPECT_EQ(after_writing("usr/new"), "EROFS");
    EXPECT_EQ(read_file(stack() / "root/etc/new"), "written");
}

TEST_F(AMountedStack, ShowsWhatItBinds) {
    write("layer@0/usr/tool", "of the layer");
    make_directory("layer@0/var");
    make_directory("layer@0/srv/data");
    write("bind@var/file", "of var");
    write("robind@srv-data/file", "of srv");

    EXPECT_EQ(seen("var/file"), "of var");
    EXPECT_EQ(seen("srv/data/file"), "of srv");
    EXPECT_EQ(after_writing("var/new"), "done");
    EXPECT_EQ(after_writing("srv/data/new"), "EROFS");
    EXPECT_EQ(read_file(stack() / "bind@var/new"), "written");
}

TEST_F(AMountedStack, MakesThePlaceOfAPartWhereItMayWrite) {
    make_directory("layer@0/usr");
    make_directory("rw");
    make_directory("bind@srv-data");

    EXPECT_EQ(after_writing("srv/data/new"), "done");
    EXPECT_EQ(read_file(stack() / "bind@srv-data/new"), "written");
    EXPECT_TRUE(std::filesystem::is_directory(stack() / "rw/data/srv/data"));
}

TEST_F(AMountedStack, IsWhatIsBoundToItsRoot) {
    write("layer@0/etc/hostname", "covered");
    write("bind@-/etc/hostname", "bound");

    EXPECT_EQ(seen("etc/hostname"), "bound");
}

TEST_F(AMountedStack, MayBeNothingButParts) {
    make_directory("bind@srv-data");

    EXPECT_EQ(after_writing("srv/data/new"), "done");
}

TEST_F(AMountedStack, IsNotWrittenByAnInstance) {
    make_directory("layer@0/var");
    make_directory("rw");
    write("bind@var/file", "of var");

    EXPECT_EQ(after_writing("var/file", true), "done");
    EXPECT_EQ(after_writing("new", true), "done");
    EXPECT_EQ(read_file(stack() / "bind@var/file"), "of var");
    EXPECT_FALSE(std::filesystem::exists(stack() / "rw/data"));
}

TEST_F(AMountedStack, FollowsNoLinkOutToThePlaceOfAPart) {
    make_directory("layer@0/usr");
    place.make_directory("outside");
    std::filesystem::create_symlink(place.path() / "outside", stack() / "layer@0/var");
    make_directory("rw");
    write("bind@var/file", "of var");

    EXPECT_THAT(after_writing("usr/new"), HasSubstr("make the place of a part of the stack"));
    EXPECT_TRUE(std::filesystem::is_empty(place.path() / "outside"));
}

} // namespace
} // namespace machinist
