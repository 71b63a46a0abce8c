// SPDX-License-Identifier: LGPL-2.1-or-later
// Trees from recipes by mmdebstrap and the archive of packages that this host uses.
#include "namespaces/machine.hpp"
#include "unit/temporary_directory.hpp"

#include <cstdlib>
#include <fstream>

namespace machinist::test {

namespace {

// A recipe to try instead of a small one; without a moment.
constexpr const char* recipe_variable = "MACHINIST_TEST_RECIPE";

Outcome shell_output(const std::string& script, const std::vector<std::string>& words = {}) {
    std::vector<std::string> arguments{"-c", "PATH=$PATH:/usr/sbin:/sbin; " + script, "sh"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return run("/bin/sh", arguments, {}, 600s);
}

// One line for whatever is in the tree, with all that could differ.
std::string account_of(const std::string& tree) {
    const Outcome outcome =
        shell_output("set -e; cd \"$1\"; find . -not -type d -printf '%p %y %m %U:%G %n %s %T@ %l\\n' -o "
                     "-printf '%p %y %m %U:%G %T@\\n' | sort; find . -type f -exec sha256sum {} + | sort -k 2",
                     {tree});
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return outcome.output;
}

} // namespace

TEST(ARecipeOfOneMoment, GivesTheSameTreeEachTime) {
    if (shell_output("command -v mmdebstrap apt-get").status != 0)
        GTEST_SKIP() << "needs mmdebstrap";
    const std::vector<std::string> archive = words_of(
        shell_output("apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)' | "
                     "awk '$2 !~ /-/ && $3 == \"main\" && $4 == \"Packages\" {printf \"%s %s\", $1, $2; exit}'")
            .output);
    const machinist::testing::TemporaryDirectory place;
    if (archive.size() != 2 ||
        shell_output("cd \"$3\" && /usr/lib/apt/apt-helper download-file \"${1%/}/dists/$2/InRelease\" reached; "
                     "test -s reached",
                     {archive[0], archive[1], place.path().string()})
                .status != 0)
        GTEST_SKIP() << "needs an archive of packages";
    const std::string recipe = (place.path() / "twice").string();
    const char* other = std::getenv(recipe_variable);
    std::ofstream{recipe} << (other ? text_of(other)
                                    : "suite=" + archive[1] + "\nvariant=extract\npackages=base-files busybox-static\n")
                          << "\nsnapshot=20250901T000000Z\n";
    const auto account_of_build = [&](const std::string& name) {
        const std::string directory = (place.path() / name).string();
        const Outcome outcome =
            run(MACHINIST_PROGRAM, {"build", "--wait", "--mirror=" + archive[0], "--directory=" + directory, recipe},
                {}, 600s);
        EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
        return account_of(directory + "/twice");
    };

    const std::string first = account_of_build("first");

    EXPECT_GT(first.size(), 10'000U);
    EXPECT_EQ(account_of_build("second"), first);
}

} // namespace machinist::test
