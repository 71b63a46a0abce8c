// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/init_detection.hpp"

#include "temporary_directory.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

namespace {

class ATree : public ::testing::Test {
protected:
    void program(const char* path) const {
        tree_.write(path, "\x7f"
                          "ELF");
        ::chmod((tree_.path() / path).c_str(), 0755);
    }
    [[nodiscard]] InitFacts found() const {
        return detect_init(tree_.descriptor());
    }

    TemporaryDirectory tree_;
};

} // namespace

TEST_F(ATree, WithoutAnyInitHasNone) {
    program("bin/sh");

    EXPECT_EQ(found().path, "");
    EXPECT_EQ(found().kind, "");
}

TEST_F(ATree, OfSystemdIsToldByItsProgram) {
    program("usr/lib/systemd/systemd");

    EXPECT_EQ(found().path, "/usr/lib/systemd/systemd");
    EXPECT_EQ(found().kind, "systemd");
}

TEST_F(ATree, OfSystemdIsToldThroughLinksThatStartAtItsOwnRoot) {
    program("opt/systemd");
    tree_.link("/opt/systemd", "sbin/init");

    EXPECT_EQ(found().path, "/sbin/init");
    EXPECT_EQ(found().kind, "systemd");
}

TEST_F(ATree, OfBusyboxIsToldByWhereItsInitLeads) {
    program("bin/busybox");
    tree_.link("../bin/busybox", "sbin/init");

    EXPECT_EQ(found().kind, "busybox");
}

TEST_F(ATree, OfSysvinitIsToldByItsTable) {
    program("sbin/init");
    tree_.write("etc/inittab", "id:2:initdefault:");

    EXPECT_EQ(found().kind, "sysvinit");
}

TEST_F(ATree, OfOpenrcRunitOrS6IsToldByName) {
    for (const auto& [name, kind] : {std::pair{"sbin/openrc-init", "openrc"}, std::pair{"sbin/runit-init", "runit"},
                                     std::pair{"bin/s6-svscan", "s6"}}) {
        const TemporaryDirectory tree;
        tree.write(name, "");
        ::chmod((tree.path() / name).c_str(), 0755);
        tree.link(std::filesystem::path{"/"} / name, "sbin/init");

        EXPECT_EQ(detect_init(tree.descriptor()).kind, kind);
    }
}

TEST_F(ATree, WhoseInitIsAScriptIsToldByTheProgramThatItBecomes) {
    tree_.write("etc/inittab", "");
    tree_.write("sbin/init", "#!/bin/sh\nexec /usr/bin/s6-svscan /run/service\n");
    ::chmod((tree_.path() / "sbin/init").c_str(), 0755);

    EXPECT_EQ(found().kind, "s6");
}

TEST_F(ATree, OfSystemdHasTheVersionThatItsLibraryIsCalledBy) {
    program("usr/lib/systemd/systemd");
    tree_.write("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.8-1~deb13u2.so", "");
    tree_.write("usr/lib/systemd/libsystemd-shared-.so", "");

    EXPECT_EQ(found().systemd_version, 257U);
}

TEST_F(ATree, OfAnOldSystemdHasTheVersionThatItsProgramPrints) {
    // Not written in one piece: other tests take this very program for an init.
    std::string program = "\x7f"
                          "ELF" +
                          std::string(1 << 20, 'x') + "@systemd running@systemd 219@+PAM";
    std::ranges::replace(program, '@', '\0');
    tree_.write("usr/lib/systemd/systemd", program);
    ::chmod((tree_.path() / "usr/lib/systemd/systemd").c_str(), 0755);

    EXPECT_EQ(found().systemd_version, 219U);
}

TEST_F(ATree, OfSystemdWithoutAnyNumberHasNoVersion) {
    program("usr/lib/systemd/systemd");

    EXPECT_FALSE(found().systemd_version);
}

TEST_F(ATree, OfSomethingElseIsUnknown) {
    program("sbin/init");

    EXPECT_EQ(found().kind, "unknown");
}

TEST_F(ATree, DoesNotBootWhatCannotBeExecuted) {
    tree_.write("usr/lib/systemd/systemd", "not executable");
    tree_.make_directory("lib/systemd/systemd");
    program("sbin/init");

    EXPECT_EQ(found().path, "/sbin/init");
}

TEST_F(ATree, HasNoInitWhereItsLinksLeadNowhereOrInCircles) {
    tree_.link("/sbin/telinit", "sbin/init");
    tree_.link("/sbin/init", "sbin/telinit");
    tree_.link("/nowhere", "usr/lib/systemd/systemd");

    EXPECT_EQ(found().path, "");
}
