// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_facts_reader.hpp"

#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(FactsOfAnImage, TellThatThereIsNone) {
    const TemporaryDirectory parent;

    const auto facts = read_image_facts(parent.path() / "nothing");

    EXPECT_FALSE(facts.exists);
}

TEST(FactsOfAnImage, TellThatAFileIsNoTree) {
    const TemporaryDirectory parent;
    parent.write("file", "");

    const auto facts = read_image_facts(parent.path() / "file");

    EXPECT_FALSE(facts.exists);
    EXPECT_THAT(facts.oddities, ElementsAre(HasSubstr("not a directory")));
}

TEST(FactsOfAnImage, ComeFromTheUsualPlaces) {
    const TemporaryDirectory tree;
    tree.write("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    tree.link("../usr/lib/os-release", "etc/os-release");
    tree.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    tree.write("usr/share/zoneinfo/Europe/Berlin", "TZif2");

    const auto facts = read_image_facts(tree.path(), {.timezone = "Europe/Berlin"});

    EXPECT_TRUE(facts.exists);
    EXPECT_TRUE(facts.has_usr);
    EXPECT_FALSE(facts.is_host_root);
    EXPECT_FALSE(facts.read_only);
    EXPECT_EQ(facts.owner_uid, ::geteuid());
    EXPECT_EQ(facts.os_release.at("ID"), "debian");
    EXPECT_EQ(facts.machine_id_state, MachineIdState::valid);
    EXPECT_EQ(facts.machine_id->plain(), "0123456789abcdef0123456789abcdef");
    EXPECT_TRUE(facts.has_zoneinfo_of_host);
    EXPECT_THAT(facts.oddities, IsEmpty());
}

TEST(FactsOfAnImage, PreferTheOsReleaseInEtc) {
    const TemporaryDirectory tree;
    tree.write("etc/os-release", "ID=ours\n");
    tree.write("usr/lib/os-release", "ID=theirs\n");

    EXPECT_EQ(read_image_facts(tree.path()).os_release.at("ID"), "ours");
}

TEST(FactsOfAnImage, TellTheStatesOfAMachineIdApart) {
    const auto state = [](const std::string& text) {
        const TemporaryDirectory tree;
        tree.write("etc/machine-id", text);
        return read_image_facts(tree.path()).machine_id_state;
    };

    EXPECT_EQ(state(""), MachineIdState::unset);
    EXPECT_EQ(state("\n"), MachineIdState::unset);
    EXPECT_EQ(state("uninitialized\n"), MachineIdState::unset);
    EXPECT_EQ(state("00000000000000000000000000000000\n"), MachineIdState::unreadable);
    EXPECT_EQ(state("something else\n"), MachineIdState::unreadable);
    EXPECT_EQ(read_image_facts(TemporaryDirectory{}.path()).machine_id_state, MachineIdState::missing);
}

TEST(FactsOfAnImage, KnowTheHostsRoot) {
    EXPECT_TRUE(read_image_facts("/", {.init = false, .os_release = false, .architecture = false}).is_host_root);
}

TEST(FactsOfAnImage, TellTheArchitectureOfItsPrograms) {
    const TemporaryDirectory tree;
    std::filesystem::create_directories(tree.path() / "bin");
    std::filesystem::copy_file("/proc/self/exe", tree.path() / "bin/sh");

    const auto of_tree = read_image_facts(tree.path()).architecture;

    EXPECT_FALSE(of_tree.empty());
    EXPECT_EQ(of_tree, read_image_facts("/").architecture);
}

TEST(FactsOfAnImage, AreNotAskedForThroughAZoneThatIsAPath) {
    const TemporaryDirectory tree;
    tree.write("etc/secret", "");

    EXPECT_FALSE(read_image_facts(tree.path(), {.timezone = "../../../etc/secret"}).has_zoneinfo_of_host);
    EXPECT_FALSE(read_image_facts(tree.path(), {.timezone = "/etc/secret"}).has_zoneinfo_of_host);
}
