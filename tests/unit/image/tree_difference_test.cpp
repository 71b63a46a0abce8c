// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/tree_difference.hpp"

#include "base/failure.hpp"
#include "hostile/entries.hpp"
#include "hostile/trees.hpp"
#include "image/package_database.hpp"
#include "unit/temporary_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::TemporaryDirectory;

class TwoTrees : public ::testing::Test {
protected:
    void put(const char* path, const char* text) const {
        before.write(path, text);
        now.write(path, text);
        age(before, path);
        age(now, path);
    }
    static void age(const TemporaryDirectory& tree, const char* path) {
        const timespec times[2]{{1000, 0}, {1000, 0}};
        ::utimensat(tree.descriptor().get(), path, times, 0);
    }
    [[nodiscard]] std::vector<std::string> changes() const {
        std::vector<std::string> found;
        for (const FileChange& change : compare_files({before.descriptor()}, {now.descriptor()}))
            found.push_back(std::string{name_of(change_names, change.change)} + " " + change.path);
        return found;
    }
    TemporaryDirectory before;
    TemporaryDirectory now;
};

TEST_F(TwoTrees, ThatAreTheSameDoNotDiffer) {
    put("etc/passwd", "root");

    EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(TwoTrees, DifferInWhatCameWentAndChanged) {
    put("etc/passwd", "root");
    put("etc/removed", "x");
    put("var/lib/gone/deep/file", "x");
    std::filesystem::remove(now.path() / "etc/removed");
    std::filesystem::remove_all(now.path() / "var/lib/gone");
    now.write("etc/passwd", "root+user");
    now.write("srv/new/file", "x");

    EXPECT_THAT(changes(),
                ElementsAre("changed /etc/passwd", "removed /etc/removed", "added /srv/", "removed /var/lib/gone/"));
}

TEST_F(TwoTrees, DifferInModesAndTargetsAndKinds) {
    put("mode", "x");
    put("kind", "x");
    before.link("one", "link");
    now.link("two", "link");
    ::chmod((now.path() / "mode").c_str(), 04755);
    std::filesystem::remove(now.path() / "kind");
    now.make_directory("kind");

    EXPECT_THAT(changes(), ElementsAre("changed /kind", "changed /link", "changed /mode"));
}

TEST_F(TwoTrees, AreReadWithoutLeavingThem) {
    const TemporaryDirectory outside;
    testing::make_outside(outside.path());
    const std::string untouched = testing::description_of(outside.path());

    for (const auto& hostile : testing::hostile_trees()) {
        if (hostile.needs_root && ::geteuid() != 0)
            continue;
        const TemporaryDirectory tree;
        hostile.make(tree.descriptor(), outside.path());
        try {
            (void)compare_files({before.descriptor()}, {tree.descriptor()});
            (void)compare_files({tree.descriptor()}, {tree.descriptor()});
            (void)installed_packages(tree.descriptor());
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), FailureKind::hostile) << hostile.name << ": " << failure.what();
        }
    }
    EXPECT_EQ(testing::description_of(outside.path()), untouched);
}

TEST(ADpkgDatabase, TellsWhatIsInstalled) {
    const auto packages = parse_dpkg_status("Package: bash\nStatus: install ok installed\nArchitecture: amd64\n"
                                            "Version: 5.2-1\nDescription: a shell\n Version: 9\n\n"
                                            "Package: old\nStatus: deinstall ok config-files\nVersion: 1\n\n"
                                            "Package: last\nStatus: install ok installed\nVersion: 2:1~rc1");

    EXPECT_THAT(packages, ElementsAre(Pair("bash:amd64", "5.2-1"), Pair("last", "2:1~rc1")));
}

TEST_F(TwoTrees, DifferInPackages) {
    const auto status = [](const char* name, const char* version) {
        return std::string{"Package: "} + name + "\nStatus: install ok installed\nVersion: " + version + "\n\n";
    };
    before.write("var/lib/dpkg/status", status("kept", "1") + status("upgraded", "1") + status("gone", "1"));
    now.write("var/lib/dpkg/status", status("kept", "1") + status("upgraded", "2") + status("new", "3"));

    std::vector<std::string> found;
    for (const PackageChange& change : compare_packages(before.descriptor(), now.descriptor()))
        found.push_back(change.name + " " + change.before + ">" + change.now);

    EXPECT_THAT(found, ElementsAre("gone 1>", "upgraded 1>2", "new >3"));
}

} // namespace
} // namespace machinist
