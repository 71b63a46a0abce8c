// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/admission.hpp"

#include "base/failure.hpp"
#include "hostile/entries.hpp"
#include "hostile/trees.hpp"
#include "image/image_facts_reader.hpp"
#include "unit/temporary_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryDirectory;

class AnAdmission : public ::testing::Test {
protected:
    // A system whose init is this program: that of this host's architecture.
    AnAdmission() {
        tree.write("etc/os-release", "ID=debian\n");
        tree.make_directory("usr/lib/systemd");
        std::filesystem::copy_file("/proc/self/exe", tree.path() / "usr/lib/systemd/systemd");
        const auto loader = loader_of_elf(read_all(open_path("/proc/self/exe", O_RDONLY), 8192));
        if (loader)
            tree.write(std::filesystem::path{*loader}.relative_path(), "");
    }
    [[nodiscard]] Admission result() const {
        return examine(tree.descriptor(), read_image_facts(tree.path()));
    }
    TemporaryDirectory tree;
};

TEST_F(AnAdmission, IsGivenToASystem) {
    const Admission found = result();

    EXPECT_THAT(found.obstacles, IsEmpty());
    EXPECT_TRUE(found.will_boot());
    EXPECT_EQ(found.facts.init.kind, "systemd");
}

TEST_F(AnAdmission, IsNotGivenWithoutInitOrOsRelease) {
    std::filesystem::remove(tree.path() / "usr/lib/systemd/systemd");
    std::filesystem::remove(tree.path() / "etc/os-release");

    EXPECT_THAT(result().obstacles, ElementsAre(HasSubstr("os-release"), HasSubstr("no init")));
}

TEST_F(AnAdmission, IsNotGivenToAnotherArchitecture) {
    std::fstream file{tree.path() / "usr/lib/systemd/systemd", std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(18);
    file.put('\xb7'); // arm64
    file.put('\0');
    file.close();

    EXPECT_THAT(result().obstacles, Contains(HasSubstr("does not run here")));
}

TEST_F(AnAdmission, IsNotGivenIfTheLoaderOfInitIsNotThere) {
    const auto loader = loader_of_elf(read_all(open_path("/proc/self/exe", O_RDONLY), 8192));
    ASSERT_TRUE(loader);
    std::filesystem::remove(tree.path() / std::filesystem::path{*loader}.relative_path());

    EXPECT_THAT(result().obstacles, ElementsAre(HasSubstr(*loader)));
}

TEST_F(AnAdmission, IsNotGivenToASystemdThatKnowsNoCgroupsOfToday) {
    tree.write("var/lib/dpkg/status", "Package: systemd\nStatus: install ok installed\nVersion: 215-17\n");

    tree.write("usr/lib/systemd/libsystemd-shared-231.so", "");

    EXPECT_EQ(result().init_version, "215-17");
    EXPECT_THAT(result().obstacles, ElementsAre(HasSubstr("its systemd 231 cannot boot on control groups")));
}

TEST_F(AnAdmission, TellsVersionUnitsAndNetwork) {
    tree.write("usr/lib/systemd/libsystemd-shared-257.so", "");
    tree.write("usr/lib/systemd/system/a.service", "");
    tree.write("etc/systemd/system/a.service", "");
    tree.write("etc/systemd/system/b.timer", "");
    tree.write("etc/systemd/system/readme", "");
    tree.write("sbin/ifup", "");

    const Admission found = result();

    EXPECT_EQ(found.init_version, "257");
    EXPECT_EQ(found.units, 2U);
    EXPECT_EQ(found.network_manager, "ifupdown");
}

TEST_F(AnAdmission, TellsServicesOfOtherInits) {
    std::filesystem::rename(tree.path() / "usr/lib/systemd/systemd", tree.path() / "usr/runit-init");
    std::filesystem::remove_all(tree.path() / "usr/lib/systemd");
    tree.link("/usr/runit-init", "sbin/init");
    tree.write("etc/sv/one/run", "");
    tree.write("etc/sv/two/run", "");
    tree.write("var/lib/dpkg/status", "Package: runit\nStatus: install ok installed\nVersion: 2.1.2-54\n");

    const Admission found = result();

    EXPECT_EQ(found.facts.init.kind, "runit");
    EXPECT_EQ(found.init_version, "2.1.2-54");
    EXPECT_EQ(found.units, 2U);
    EXPECT_TRUE(found.will_boot());
    EXPECT_THAT(found.warnings, Contains(HasSubstr("its init (runit) does not tell")));
}

TEST_F(AnAdmission, TellsWhetherUsrIsMerged) {
    EXPECT_FALSE(result().merged_usr);
    EXPECT_THAT(result().warnings, Contains(HasSubstr("no links into /usr")));
    for (const char* name : {"bin", "lib"}) {
        std::error_code ignored;
        std::filesystem::create_directories(tree.path() / "usr" / name);
        std::filesystem::copy(tree.path() / name, tree.path() / "usr" / name, std::filesystem::copy_options::recursive,
                              ignored);
        std::filesystem::remove_all(tree.path() / name);
        tree.link(std::filesystem::path{"usr"} / name, name);
    }

    EXPECT_TRUE(result().merged_usr);
    EXPECT_THAT(result().obstacles, IsEmpty());
}

TEST_F(AnAdmission, TellsFilesWithPrivilegesAndForeignOwners) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    tree.write("usr/bin/su", "");
    ::chmod((tree.path() / "usr/bin/su").c_str(), 04755);
    tree.write("home/other", "");
    ASSERT_EQ(::chown((tree.path() / "home/other").c_str(), 100000, 0), 0);

    const Admission found = result();

    EXPECT_THAT(found.setuid_files, ElementsAre("/usr/bin/su"));
    EXPECT_EQ(found.foreign_owners, 1U);
    EXPECT_EQ(found.first_foreign, "/home/other");
}

TEST_F(AnAdmission, IsDecidedAboutHostileTreesWithoutLeavingThem) {
    const TemporaryDirectory outside;
    testing::make_outside(outside.path());
    const std::string untouched = testing::description_of(outside.path());

    for (const auto& hostile : testing::hostile_trees()) {
        if (hostile.needs_root && ::geteuid() != 0)
            continue;
        const TemporaryDirectory bad;
        hostile.make(bad.descriptor(), outside.path());
        try {
            const Admission found = examine(bad.descriptor(), read_image_facts(bad.path()));
            for (const std::string& warning : found.warnings)
                EXPECT_EQ(warning.find(testing::outside_id), std::string::npos) << hostile.name;
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), FailureKind::hostile) << hostile.name << ": " << failure.what();
        }
    }
    EXPECT_EQ(testing::description_of(outside.path()), untouched);
}

TEST(TheLoaderOfAnElfFile, IsNotTakenFromBeyondItsEnd) {
    std::string header(64, '\0');
    header.replace(0, 6,
                   std::string{"\x7f"
                               "ELF\x02\x01",
                               6});
    header[32] = '\x7f'; // program headers far away
    header[56] = '\xff'; // many

    EXPECT_EQ(loader_of_elf(header), std::nullopt);
    EXPECT_EQ(loader_of_elf(""), std::nullopt);
    EXPECT_EQ(loader_of_elf("#!/bin/sh\n"), std::nullopt);
}

} // namespace
} // namespace machinist
