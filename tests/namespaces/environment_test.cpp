// SPDX-License-Identifier: LGPL-2.1-or-later
// The variables of the caller's environment that systemd-nspawn obeys, seen from inside.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <tuple>

namespace machinist::test {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

namespace {

class AVariableOfTheCaller : public AnyContainer {
protected:
    void boot(std::vector<std::string> variables, std::vector<std::string> options = {},
              CalledAs called_as = CalledAs::machinist) {
        start({.options = std::move(options), .called_as = called_as, .environment = std::move(variables)});
    }
};

} // namespace

TEST_F(AVariableOfTheCaller, SeccompSwitchesTheFilterOff) {
    boot({}, {"--system-call-filter=~sync"});
    EXPECT_EQ(ask("syscall sync"), "!EPERM");
    end_machine();
    boot({"SYSTEMD_SECCOMP=0"}, {"--system-call-filter=~sync"});

    EXPECT_EQ(ask("syscall sync"), "ok");
}

TEST_F(AVariableOfTheCaller, SuppressSyncIsTheDefaultOfItsOption) {
    boot({"SYSTEMD_SUPPRESS_SYNC=1"});

    EXPECT_EQ(ask("open /etc/passwd rws"), "!EINVAL");
    EXPECT_EQ(ask("fsync -1"), "!EBADF");
}

TEST_F(AVariableOfTheCaller, TmpfsTmpKeepsTheImagesTmp) {
    tree.directory("tmp");
    tree.file("tmp/of-the-image", "text");
    boot({"SYSTEMD_NSPAWN_TMPFS_TMP=0"});

    EXPECT_EQ(ask("cat /tmp/of-the-image"), "text");
}

TEST_F(AVariableOfTheCaller, UseCgnsLeavesTheHostsNamespaceOfGroups) {
    boot({"SYSTEMD_NSPAWN_USE_CGNS=0"}, {}, CalledAs::nspawn);

    EXPECT_EQ(ask("namespace cgroup"), namespace_of_host("cgroup"));
}

// Of the host's hierarchy the machine may change what is below its own group, and nothing else.
TEST_F(AVariableOfTheCaller, UseCgnsLeavesTheMachineItsOwnGroup) {
    for (const char* users : {"--private-users=no", "--private-users=pick"}) {
        boot({"SYSTEMD_NSPAWN_USE_CGNS=0"}, {users});
        const std::string whole = ask("cat /proc/self/cgroup");
        const auto line = whole.find("0::");
        ASSERT_NE(line, std::string::npos) << whole;
        const std::string own = "/sys/fs/cgroup" + whole.substr(line + 3, whole.find_first_of("\\\n", line) - line - 3);

        EXPECT_EQ(ask("namespace cgroup"), namespace_of_host("cgroup"));
        EXPECT_EQ(ask("filesystem /sys/fs/cgroup"), "cgroup2");
        EXPECT_EQ(ask("mkdir " + own + "/below"), "ok") << users;
        EXPECT_EQ(ask("mkdir /sys/fs/cgroup/beside"), "!EROFS") << users;
        EXPECT_THAT(seen_mount(ask("mount-at " + own)).options, Not(Contains("ro")));
        end_machine();
    }
}

TEST_F(AVariableOfTheCaller, ProcessesOfTheHostAreRefusedWithUsersOfItsOwn) {
    const Outcome outcome =
        outcome_of({.options = {"--private-users=pick"}, .environment = {"SYSTEMD_NSPAWN_SHARE_NS_PID=1"}});

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("the host's processes and a user namespace exclude each other"));
}

TEST_F(AVariableOfTheCaller, ApiVfsWritableOpensProcSys) {
    boot({"SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes"}, {}, CalledAs::nspawn);

    EXPECT_THAT(seen_mount(ask("mount-at /sys")).options, Not(Contains("ro")));
}

TEST_F(AVariableOfTheCaller, ApiVfsWritableForTheNetworkOpensThatOnly) {
    boot({"SYSTEMD_NSPAWN_API_VFS_WRITABLE=network"}, {"--private-network"}, CalledAs::nspawn);

    EXPECT_THAT(seen_mount(ask("mount-at /proc/sys")).options, Contains("ro"));
    EXPECT_THAT(seen_mount(ask("mount-at /proc/sys/net")).options, Not(Contains("ro")));
}

TEST_F(AVariableOfTheCaller, ShareNsKeepsSingleNamespacesOfTheHost) {
    for (const auto& [variable, kind, other] : {std::tuple{"SYSTEMD_NSPAWN_SHARE_NS_IPC=1", "ipc", "uts"},
                                                {"SYSTEMD_NSPAWN_SHARE_NS_PID=1", "pid", "ipc"},
                                                {"SYSTEMD_NSPAWN_SHARE_NS_UTS=1", "uts", "pid"}}) {
        boot({variable}, {}, CalledAs::nspawn);
        EXPECT_EQ(ask(std::string{"namespace "} + kind), namespace_of_host(kind));
        EXPECT_NE(ask(std::string{"namespace "} + other), namespace_of_host(other));
        end_machine();
    }
}

TEST_F(AVariableOfTheCaller, ShareSystemKeepsThemAll) {
    boot({"SYSTEMD_NSPAWN_SHARE_SYSTEM=1"}, {}, CalledAs::nspawn);

    for (const char* kind : {"ipc", "pid", "uts"})
        EXPECT_EQ(ask(std::string{"namespace "} + kind), namespace_of_host(kind));
}

TEST_F(AVariableOfTheCaller, LockLetsTwoMachinesWriteToOneTree) {
    start({.environment = {"SYSTEMD_NSPAWN_LOCK=0"}});
    Machine& first = machine();
    start({.environment = {"SYSTEMD_NSPAWN_LOCK=0"}});

    EXPECT_EQ(ask("hostname"), machine().name());
    EXPECT_EQ(first.ask("hostname"), first.name());
}

TEST_F(AVariableOfTheCaller, CheckOsReleaseLetsABareTreeBoot) {
    std::filesystem::remove(tree.path() / "etc/os-release");
    std::filesystem::remove(tree.path() / "usr/lib/os-release");
    EXPECT_NE(outcome_of({.options = {"--boot"}, .command = {}}).status, 0);

    start({.options = {"--boot"}, .command = {}, .environment = {"SYSTEMD_NSPAWN_CHECK_OS_RELEASE=0"}});

    EXPECT_EQ(ask("hostname"), machine().name());
}

TEST_F(AVariableOfTheCaller, UnifiedHierarchyIsIgnored) {
    boot({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0"});

    EXPECT_EQ(ask("filesystem /sys/fs/cgroup"), "cgroup2");
}

} // namespace machinist::test
