// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/archive.hpp"

#include "base/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* targets = "http://mirror.example/debian/ bookworm main Packages\n"
                                "http://mirror.example/debian/ bookworm-updates main Packages\n"
                                "http://mirror.example/security/ bookworm-security main Packages\n"
                                "http://other.example/x/ bookworm contrib Packages\n"
                                "file:/srv/own/ bookworm main Packages\n"
                                "broken\n";

Recipe a_recipe(const std::string& suite) {
    Recipe recipe;
    recipe.name = "web";
    recipe.suite = suite;
    return recipe;
}

HostArchives a_host() {
    return parse_host_archives("bookworm", targets,
                               "Acquire::http::Proxy \"http://proxy.example:3128\";\n"
                               "Acquire::Retries \"\";\n"
                               "APT::Install-Recommends \"1\";\n"
                               "Acquire::Snapshots::URI::Override::Label::Debian "
                               "\"https://snapshots.example/@SNAPSHOTID@/\";\n"
                               "Acquire::Snapshots::URI::Host::x \"no\";\n");
}

TEST(AnArchive, IsTheOneThatTheHostUses) {
    EXPECT_THAT(archive_lines(a_recipe("trixie"), {}, a_host()),
                ElementsAre("deb http://mirror.example/debian/ trixie main",
                            "deb http://mirror.example/debian/ trixie-updates main",
                            "deb http://mirror.example/security/ trixie-security main"));
    EXPECT_THAT(archive_lines(a_recipe("sid"), {}, a_host()),
                ElementsAre("deb http://mirror.example/debian/ sid main"));
}

TEST(AnArchive, IsLeftToMmdebstrapWhereTheHostHasNone) {
    EXPECT_THAT(archive_lines(a_recipe("sid"), {}, parse_host_archives("", "", "")), IsEmpty());
}

TEST(AnArchive, IsTheRecipesOrTheCallersBeforeTheHosts) {
    Recipe recipe = a_recipe("trixie");
    recipe.mirrors = {"http://recipe.example/"};
    recipe.components = {"main", "contrib"};

    EXPECT_THAT(archive_lines(recipe, {}, a_host()), ElementsAre("deb http://recipe.example/ trixie main contrib"));
    EXPECT_THAT(archive_lines(recipe, {"http://caller.example/"}, a_host()),
                ElementsAre("deb http://caller.example/ trixie main contrib"));
}

TEST(AnArchive, OfAMomentIsAskedForWhatWasValidThen) {
    Recipe recipe = a_recipe("trixie");
    recipe.snapshot = "20250901T000000Z";

    EXPECT_THAT(archive_lines(recipe, {}, a_host()),
                ElementsAre("deb [check-valid-until=no] https://snapshots.example/20250901T000000Z/ trixie main"));
    EXPECT_THAT(archive_lines(recipe, {"http://x.example/@SNAPSHOTID@"}, {}),
                ElementsAre("deb [check-valid-until=no] http://x.example/20250901T000000Z trixie main"));
}

TEST(AnArchive, OfAMomentThatNobodyKnowsIsAFailure) {
    Recipe recipe = a_recipe("trixie");
    recipe.snapshot = "20250901T000000Z";
    EXPECT_THROW((void)archive_lines(recipe, {}, parse_host_archives("bookworm", targets, "")), Failure);

    EXPECT_THROW((void)archive_lines(a_recipe("trixie"), {"http://x.example/@SNAPSHOTID@"}, a_host()), Failure);
}

TEST(ABootstrap, TakesTheHostsWayToTheArchiveAndNothingElseOfItsOptions) {
    Recipe recipe = a_recipe("trixie");
    recipe.packages = {"a1", "b2"};
    const auto command = bootstrap_command(recipe, "/trees/web", true, a_host());

    EXPECT_THAT(command, ElementsAre("mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase",
                                     "--include=a1,b2", "--aptopt=Acquire::http::Proxy \"http://proxy.example:3128\"",
                                     "trixie", "/trees/web", "-"));
    EXPECT_THAT(bootstrap_command(recipe, "/trees/web", false, {}), Not(Contains("-")));
}

} // namespace
} // namespace machinist
