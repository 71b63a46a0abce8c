// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/id_range_store.hpp"

#include "base/failure.hpp"
#include "image/image_lock.hpp"
#include "temporary_directory.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

namespace {

class AnIdRangeStore : public ::testing::Test {
protected:
    TemporaryDirectory directory_;
    IdRangeStore store_{IdRangeStore::Places{directory_.path() / "lib/id-ranges", directory_.path() / "run/locks",
                                             directory_.path() / "etc", ""}};
};

// Two ranges are all that there are.
class AnIdRangeStoreThatIsFull : public AnIdRangeStore {
protected:
    AnIdRangeStoreThatIsFull() {
        std::ofstream{directory_.path() / "uid_map"} << "0 1048576 65536\n524288 2097152 131072\n";
        for (const char* name : {"web", "db"})
            bases_[name] = full_.pick({.name = name}).base;
        was_used("web", std::chrono::hours{1});
        was_used("db", std::chrono::hours{2});
    }

    void was_used(const std::string& name, std::chrono::hours ago) {
        std::filesystem::last_write_time(directory_.path() / "lib/id-ranges" / name,
                                         std::filesystem::file_time_type::clock::now() - ago);
    }

    IdRangeStore full_{{.stored = directory_.path() / "lib/id-ranges",
                        .locks = directory_.path() / "run/locks",
                        .etc = directory_.path() / "etc",
                        .getent = "",
                        .id_map = directory_.path() / "uid_map"}};
    std::map<std::string, std::uint32_t> bases_;
};

} // namespace

TEST_F(AnIdRangeStore, GivesWhatSystemdNspawnWouldGive) {
    // siphash24("web"), key of nspawn, reduced as nspawn does it: any change would move existing machines.
    const auto expected = IdRangeStore::of_name("web");

    EXPECT_EQ(store_.pick({.name = "web"}).base, expected);
    EXPECT_EQ(expected % IdRangeStore::size, 0U);
    EXPECT_GE(expected, IdRangeStore::first);
    EXPECT_LE(expected, IdRangeStore::last);
}

TEST_F(AnIdRangeStore, GivesAMachineTheSameRangeAtEveryStart) {
    const auto first = store_.pick({.name = "web", .tree_owner = 1048576}).base;

    EXPECT_EQ(store_.pick({.name = "web"}).base, first);
    EXPECT_EQ(store_.pick({.name = "web", .tree_owner = 2097152}).base, first);
    EXPECT_EQ(store_.stored("web"), first);
}

TEST_F(AnIdRangeStore, PrefersTheRangeThatOwnsTheTree) {
    EXPECT_EQ(store_.pick({.name = "web", .tree_owner = 1048576}).base, 1048576U);
}

TEST_F(AnIdRangeStore, IgnoresOwnersThatAreNoRange) {
    for (const std::uint32_t owner : {0U, 1000U, 65536U, 1048577U, 2147352576U, 4294901760U})
        EXPECT_EQ(store_.pick({.name = "web", .tree_owner = owner, .remember = false}).base,
                  IdRangeStore::of_name("web"))
            << owner;
}

TEST_F(AnIdRangeStore, NeverGivesARangeTwiceAtATime) {
    std::vector<IdRange> held;
    std::set<std::uint32_t> bases;
    for (int i = 0; i < 20; ++i) {
        held.push_back(store_.pick({.name = "web", .tree_owner = 1048576, .remember = i == 0}));
        bases.insert(held.back().base);
    }

    EXPECT_EQ(bases.size(), held.size());
}

TEST_F(AnIdRangeStore, KeepsTheFirstRangeOfANameWhenAnInstanceNeedsAnother) {
    const auto first = store_.pick({.name = "web"});
    const auto second = store_.pick({.name = "web"});

    EXPECT_NE(first.base, second.base);
    EXPECT_EQ(store_.stored("web"), first.base);
}

TEST_F(AnIdRangeStore, DoesNotGiveAwayWhatIsKeptForAnotherName) {
    const auto base = store_.pick({.name = "web", .tree_owner = 1048576}).base;

    EXPECT_NE(store_.pick({.name = "db", .tree_owner = base}).base, base);
}

TEST_F(AnIdRangeStore, GivesAwayWhatWasForgotten) {
    const auto base = store_.pick({.name = "web", .tree_owner = 1048576}).base;
    store_.forget("web");

    EXPECT_FALSE(store_.stored("web"));
    EXPECT_EQ(store_.pick({.name = "db", .tree_owner = base}).base, base);
}

TEST_F(AnIdRangeStore, TakesOverAClaimThatItsOwnerDoesNotKnowOf) {
    directory_.link("db", "lib/id-ranges/.by-base/1048576");

    EXPECT_EQ(store_.pick({.name = "web", .tree_owner = 1048576}).base, 1048576U);
}

TEST_F(AnIdRangeStore, AvoidsRangesOfTheHostsUsers) {
    directory_.write("etc/subuid", "alice:1048576:65536\n");

    EXPECT_NE(store_.pick({.name = "web", .tree_owner = 1048576}).base, 1048576U);
}

TEST_F(AnIdRangeStore, AvoidsRangesThatAreLockedByOthers) {
    std::filesystem::create_directories(directory_.path() / "run/locks");
    const auto lock = lock_file(directory_.path() / "run/locks/1048576", LockMode::exclusive);
    ASSERT_TRUE(lock);

    EXPECT_NE(store_.pick({.name = "web", .tree_owner = 1048576}).base, 1048576U);
}

TEST_F(AnIdRangeStore, ReplacesAStoredRangeThatMakesNoSense) {
    for (const char* text : {"", "0\n", "1048577\n", "99999999999\n", "x"}) {
        directory_.write("lib/id-ranges/web", text);

        EXPECT_FALSE(store_.stored("web")) << text;
        EXPECT_EQ(store_.pick({.name = "web"}).base, IdRangeStore::of_name("web")) << text;
    }
}

TEST_F(AnIdRangeStore, RemembersNothingForAMachineThatIsNotToBeRemembered) {
    store_.pick({.name = "web", .remember = false});

    EXPECT_FALSE(store_.stored("web"));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "lib/id-ranges"));
}

TEST_F(AnIdRangeStore, RefusesWhatIsNoName) {
    for (const char* name : {"", ".by-base", "a/b", "../x"})
        EXPECT_THROW(store_.pick({.name = name}), Failure) << name;
}

TEST(TheRangeOfATree, IsItsOwnerIfThatIsTheFirstOfARange) {
    EXPECT_EQ(range_of_owner(1048576, 1048576), 1048576U);
    EXPECT_EQ(range_of_owner(0, 0), 0U);
    EXPECT_THROW(range_of_owner(1000, 1000), Failure);
    EXPECT_THROW(range_of_owner(1048576, 0), Failure);
}

TEST_F(AnIdRangeStoreThatIsFull, TakesARangeFromTheNameThatDidNotUseItForLongest) {
    EXPECT_EQ(full_.pick({.name = "new"}).base, bases_["db"]);
    EXPECT_EQ(full_.stored("new"), bases_["db"]);
    EXPECT_EQ(full_.stored("web"), bases_["web"]);
    EXPECT_FALSE(full_.stored("db"));
}

TEST_F(AnIdRangeStoreThatIsFull, CountsAStartAsUse) {
    full_.pick({.name = "db"});

    EXPECT_EQ(full_.pick({.name = "new"}).base, bases_["web"]);
}

TEST_F(AnIdRangeStoreThatIsFull, TakesNoRangeFromAMachineThatRuns) {
    const auto running = full_.pick({.name = "db"});
    was_used("db", std::chrono::hours{9});
    const auto taken = full_.pick({.name = "new"});

    EXPECT_EQ(taken.base, bases_["web"]);
    EXPECT_THROW((void)full_.pick({.name = "another"}), Failure);
}

TEST_F(AnIdRangeStoreThatIsFull, LendsForOneTimeWithoutForgettingTheName) {
    EXPECT_EQ(full_.pick_another().base, bases_["db"]);
    EXPECT_EQ(full_.pick({.name = "new", .remember = false}).base, bases_["db"]);
    EXPECT_EQ(full_.stored("db"), bases_["db"]);
}

// Inside of a machine only what is mapped can be given on, however few ranges that are.
TEST_F(AnIdRangeStore, GivesOnlyWhatItsOwnUserNamespaceMaps) {
    const auto map = directory_.path() / "uid_map";
    std::ofstream{map} << "0 1048576 65536\n524288 2097152 65536\n589824 3145728 65536\n";
    const IdRangeStore nested{{.stored = directory_.path() / "lib/nested",
                               .locks = directory_.path() / "run/nested",
                               .etc = directory_.path() / "etc",
                               .getent = "",
                               .id_map = map}};

    const auto first = nested.pick({.name = "web", .tree_owner = 1048576});
    const auto second = nested.pick_another();

    EXPECT_EQ((std::set{first.base, second.base}), (std::set<std::uint32_t>{524288, 589824}));
    EXPECT_THROW((void)nested.pick_another(), Failure);
}

TEST_F(AnIdRangeStore, KeepsNothingOfAnotherRange) {
    const auto first = store_.pick_another();
    const auto second = store_.pick_another();

    EXPECT_NE(first.base, second.base);
    EXPECT_EQ(first.base % IdRangeStore::size, 0U);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "lib/id-ranges"));
}
