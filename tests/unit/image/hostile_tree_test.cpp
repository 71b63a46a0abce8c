// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile/trees.hpp"
#include "image/base_directories.hpp"
#include "image/image_facts_reader.hpp"
#include "image/root_mount.hpp"
#include "kernel/filesystem_ids.hpp"
#include "private_mounts.hpp"
#include "temporary_directory.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::HostileTree;
using machinist::testing::in_private_mounts;
using machinist::testing::TemporaryDirectory;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

constexpr unsigned seconds_until_it_counts_as_hanging = 10;
constexpr std::uint32_t base = 655360;

std::string printed(const ImageFacts& facts) {
    std::string text = facts.machine_id ? facts.machine_id->plain() : "";
    for (const auto& [name, value] : facts.os_release)
        text.append("\n").append(name).append("=").append(value);
    for (const auto& oddity : facts.oddities)
        text.append("\n").append(oddity);
    return text + "\n" + facts.init.path;
}

class AHostileTree : public ::testing::TestWithParam<HostileTree> {
protected:
    void SetUp() override {
        if (GetParam().needs_root && ::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        directory_.make_directory("outside");
        machinist::testing::make_outside(outside_);
        for (const char* name : {"tree/dev", "tree/etc", "tree/proc", "tree/run", "tree/sys", "tree/tmp",
                                 "tree/var/log", "tree/usr/bin", "tree/usr/lib/systemd", "staging"})
            directory_.make_directory(name);
        directory_.write("tree/usr/lib/os-release", "ID=good\n");
        directory_.link("../usr/lib/os-release", "tree/etc/os-release");
        GetParam().make(open_path(tree_, O_RDONLY | O_DIRECTORY), outside_);
        before_ = machinist::testing::description_of(outside_);
        ::alarm(seconds_until_it_counts_as_hanging);
    }
    void TearDown() override {
        ::alarm(0);
        if (before_.empty())
            return;
        EXPECT_EQ(machinist::testing::description_of(outside_), before_) << "something outside was touched";
        remove_tree(directory_.descriptor(), "tree");
        EXPECT_EQ(machinist::testing::description_of(outside_), before_) << "something outside was removed";
    }

    TemporaryDirectory directory_;
    Path tree_ = directory_.path() / "tree";
    Path outside_ = directory_.path() / "outside";
    std::string before_;
};

} // namespace

TEST_P(AHostileTree, TellsNothingOfTheHostAndReportsAMachineIdThatIsNone) {
    const auto facts = read_image_facts(tree_, {.timezone = "Etc/Outside"});

    EXPECT_TRUE(facts.exists);
    const bool is_hard_link = GetParam().name.find("hard link") != std::string::npos;
    if (!is_hard_link) { // which is in the tree as much as anywhere
        EXPECT_THAT(printed(facts), Not(HasSubstr(machinist::testing::outside_id)));
        EXPECT_THAT(printed(facts), Not(HasSubstr(machinist::testing::outside_machine_id)));
    }
    EXPECT_FALSE(facts.has_zoneinfo_of_host);
    EXPECT_LE(facts.os_release.size(), 256U);
    EXPECT_EQ(printed(facts).find('\x1b'), std::string::npos);
    struct stat status {};
    const bool is_there = ::lstat((tree_ / "etc/machine-id").c_str(), &status) == 0;
    if (facts.machine_id_state == MachineIdState::unreadable) {
        EXPECT_FALSE(facts.oddities.empty());
    }
    if (is_there && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
        EXPECT_EQ(facts.machine_id_state, MachineIdState::unreadable);
    }
    EXPECT_EQ(facts.machine_id.has_value(), facts.machine_id_state == MachineIdState::valid);
}

TEST_P(AHostileTree, BecomesARootWithoutHarm) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    struct Way {
        LayerKind kind;
        VolatileMode mode;
    };
    const auto said = in_private_mounts([&] {
        int outcomes = 0;
        for (const Way& way : {Way{LayerKind::none, VolatileMode::no}, Way{LayerKind::tmpfs, VolatileMode::no},
                               Way{LayerKind::none, VolatileMode::yes}, Way{LayerKind::none, VolatileMode::state}}) {
            ::alarm(seconds_until_it_counts_as_hanging);
            const RootSpec spec{.directory = tree_, .layer = way.kind, .volatile_mode = way.mode};
            const RootOwnership ownership{.ownership = Ownership::automatic, .base = base};
            const auto staging = directory_.path() / "staging" / std::to_string(outcomes++);
            try {
                const auto root = compose_root(spec, ownership, open_staging_directory(staging),
                                               plan_layer(spec, "test", directory_.path() / "layers"));
                const FilesystemIds as_machine{base, base};
                make_base_directories(root.mount);
            } catch (const Failure&) {
                continue; // refused
            }
        }
        return std::to_string(outcomes);
    });

    EXPECT_EQ(said, "4");
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, AHostileTree, ::testing::ValuesIn(machinist::testing::hostile_trees()),
                         [](const auto& tree) { return machinist::testing::identifier_of(tree.param); });
