// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/recipe.hpp"

#include "base/failure.hpp"
#include "recipe/recipe_places.hpp"
#include "unit/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryDirectory;

std::vector<std::string> problems_of(const std::string& text) {
    return parse_recipe(text, "/r/web").problems;
}

TEST(ARecipe, SaysWhatAnImageIsMadeOf) {
    const ParsedRecipe parsed = parse_recipe("# a comment\n"
                                             "description=A web server\n"
                                             "suite = trixie\n"
                                             "variant=essential\n"
                                             "packages=nginx  libc6:i386\n"
                                             "packages=g++\n"
                                             "components=main non-free-firmware\n"
                                             "files=web.files\n"
                                             "mirror=https://example.com/@SNAPSHOTID@/\n"
                                             "snapshot=20250901T123456Z\n",
                                             "/r/web");

    EXPECT_THAT(parsed.problems, IsEmpty());
    EXPECT_EQ(parsed.recipe.name, "web");
    EXPECT_EQ(parsed.recipe.description, "A web server");
    EXPECT_EQ(parsed.recipe.suite, "trixie");
    EXPECT_EQ(parsed.recipe.variant, "essential");
    EXPECT_THAT(parsed.recipe.packages, ElementsAre("nginx", "libc6:i386", "g++"));
    EXPECT_THAT(parsed.recipe.components, ElementsAre("main", "non-free-firmware"));
    EXPECT_THAT(parsed.recipe.files, ElementsAre("/r/web.files"));
    EXPECT_THAT(parsed.recipe.mirrors, ElementsAre("https://example.com/@SNAPSHOTID@/"));
    EXPECT_EQ(parsed.recipe.snapshot, "20250901T123456Z");
    EXPECT_EQ(parsed.recipe.snapshot_epoch, 1756730096);
}

TEST(ARecipe, TakesADayForItsBeginning) {
    for (const char* day : {"2025-09-01", "20250901", "20250901T000000Z"}) {
        const ParsedRecipe parsed = parse_recipe(std::string{"suite=sid\nsnapshot="} + day, "/r/web");

        EXPECT_EQ(parsed.recipe.snapshot, "20250901T000000Z") << day;
        EXPECT_EQ(parsed.recipe.snapshot_epoch, 1756684800) << day;
    }
}

TEST(ARecipe, TellsAllThatIsWrongByFileAndLine) {
    EXPECT_THAT(problems_of("suite=sid\nflavour=vanilla\npackages\nsuite=trixie\nvariant=huge\n"),
                ElementsAre(HasSubstr("/r/web:2: unknown key 'flavour'; known are description, suite"),
                            "/r/web:3: 'packages' is no KEY=VALUE", "/r/web:4: 'suite=' is there already",
                            HasSubstr("/r/web:5: variant=huge: it is none of extract, custom")));
    EXPECT_THAT(problems_of("packages=a\n"),
                ElementsAre(HasSubstr("/r/web:1: packages=a: 'a' is no name"), HasSubstr("'suite=' is missing")));
}

TEST(ARecipe, HasNoWayToSayAnythingButData) {
    for (const char* line :
         {"suite=--hook-dir=/tmp", "suite=a b",           "suite=",        "packages=-o",         "packages=a$(id)",
          "packages=a,b;c",        "packages=?essential", "components=-x", "mirror=/etc",         "mirror=ssh://host/",
          "mirror=http://",        "files=../..",         "files=",        "snapshot=yesterday",  "snapshot=20251301",
          "snapshot=20250230",     "snapshot=2025090",    "variant=",      "description=\x1b[2J", "\xff\xfe=1",
          "packages=\x01"})
        EXPECT_FALSE(problems_of(std::string{"suite=sid\n"} + line).empty()) << line;
}

class APlaceOfRecipes : public ::testing::Test {
protected:
    APlaceOfRecipes() {
        place.write("first/web", "suite=sid\ndescription=the first\n");
        place.write("second/web", "suite=sid\ndescription=the second\n");
        place.write("second/db", "suite=sid\nnonsense\n");
        place.write("second/db.files/etc/motd", "");
        place.write("second/.hidden", "suite=sid\n");
    }
    [[nodiscard]] std::vector<std::filesystem::path> search_path() const {
        return {place.path() / "missing", place.path() / "first", place.path() / "second"};
    }
    [[nodiscard]] std::string failure_for(const std::string& word) const {
        try {
            (void)read_recipe(word, search_path());
        } catch (const Failure& failure) {
            return failure.what();
        }
        return "";
    }
    TemporaryDirectory place;
};

TEST_F(APlaceOfRecipes, ListsEachNameOnceAlsoWhatCannotBeRead) {
    std::vector<std::string> found;
    for (const ParsedRecipe& parsed : list_recipes(search_path()))
        found.push_back(parsed.recipe.name + ":" + parsed.recipe.description + ":" +
                        std::to_string(parsed.problems.size()));

    EXPECT_THAT(found, ElementsAre("db::1", "web:the first:0"));
}

TEST_F(APlaceOfRecipes, FindsByNameAndByPath) {
    EXPECT_EQ(read_recipe("web", search_path()).description, "the first");
    EXPECT_EQ(read_recipe((place.path() / "second/web").string(), search_path()).description, "the second");
}

TEST_F(APlaceOfRecipes, RefusesWhatIsNoRecipe) {
    EXPECT_THAT(failure_for("nope"), HasSubstr("no recipe 'nope' known; try 'machinist build --list'"));
    EXPECT_THAT(failure_for("db.files"), HasSubstr("no recipe"));
    EXPECT_THAT(failure_for((place.path() / "second/db.files").string()), HasSubstr("no recipe"));
    EXPECT_THAT(failure_for("db"), HasSubstr("second/db:2: 'nonsense' is no KEY=VALUE"));
}

} // namespace
} // namespace machinist
