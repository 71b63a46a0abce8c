// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/bundle.hpp"

#include "oci/bundles.hpp"
#include "spec/capability_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <string>

namespace machinist {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace test;

} // namespace

TEST(ABundle, BecomesSettingsOfAMachine) {
    const Bundle bundle = accepted(bundle_with(
        R"("terminal": false, "env": ["A=1", "B=two words"], "user": {"uid": 1000, "gid": 100, "umask": 63,
           "additionalGids": [4, 5]}, "noNewPrivileges": true, "oomScoreAdj": 100,
           "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}],
           "capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"],
                            "permitted": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"], "inheritable": ["CAP_CHOWN"]})",
        "", R"("hostname": "inner", "domainname": "example", "annotations": {"a": "b"})"));

    EXPECT_EQ(bundle.root, "/srv/bundle/rootfs");
    const Settings& settings = bundle.settings;
    EXPECT_THAT(settings.start->parameters, ElementsAre("/bin/sh"));
    EXPECT_THAT(*settings.environment, ElementsAre("A=1", "B=two words"));
    EXPECT_EQ(settings.user, "1000:100");
    EXPECT_THAT(settings.bundle->groups, ElementsAre(4, 5));
    EXPECT_EQ(settings.bundle->umask, 077U);
    EXPECT_EQ(settings.bundle->domainname, "example");
    EXPECT_EQ(settings.hostname, "inner");
    EXPECT_EQ(settings.no_new_privileges, true);
    EXPECT_EQ(settings.oom_score_adjust, 100);
    EXPECT_EQ(settings.limits[RLIMIT_NOFILE], (LimitSetting{64, 128}));
    EXPECT_EQ(settings.capabilities->add, capability_bit(CAP_CHOWN) | capability_bit(CAP_KILL));
    EXPECT_EQ(settings.capabilities->drop & settings.capabilities->add, 0U);
    EXPECT_EQ(settings.capabilities->ambient, capability_bit(CAP_CHOWN));
    EXPECT_EQ(settings.console, ConsoleSetting::pipe);
}

TEST(ABundle, MountsWhatNotEveryMachineHas) {
    const Bundle bundle = accepted(bundle_with("", "", R"("mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "mode=0620"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]},
        {"destination": "/data", "type": "bind", "source": "data", "options": ["rbind", "ro", "nosuid", "noexec"]},
        {"destination": "/cache", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=64k", "mode=700"]}])"));

    const auto& mounts = *bundle.settings.extra_mounts;
    ASSERT_EQ(mounts.size(), 2U);
    EXPECT_EQ(mounts[0].kind, ExtraMountKind::bind);
    EXPECT_EQ(mounts[0].source.path, "/srv/bundle/data");
    EXPECT_TRUE(mounts[0].read_only && mounts[0].recursive);
    EXPECT_EQ(mounts[0].attributes, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    EXPECT_EQ(mounts[1].tmpfs_options, "nosuid,size=64k,mode=700");
}

TEST(ABundle, ProtectsPathsThatMayBeMissing) {
    const Bundle bundle =
        accepted(bundle_with("", R"("maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/bus"])"));

    const auto& mounts = *bundle.settings.extra_mounts;
    ASSERT_EQ(mounts.size(), 2U);
    EXPECT_EQ(mounts[0].kind, ExtraMountKind::inaccessible);
    EXPECT_EQ(mounts[1].kind, ExtraMountKind::read_only);
    EXPECT_TRUE(mounts[0].may_be_missing && mounts[1].may_be_missing);
}

TEST(ABundle, LimitsItsScope) {
    const Bundle bundle = accepted(bundle_with("", R"("resources": {
        "memory": {"limit": 1048576, "reservation": 4096, "swap": 3145728},
        "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0-1"},
        "blockIO": {"weight": 10}, "pids": {"limit": 32},
        "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 3}]})"));

    EXPECT_THAT(bundle.settings.bundle->unit_properties,
                ElementsAre("MemoryMax=1048576", "MemoryLow=4096", "MemorySwapMax=2097152", "CPUWeight=39",
                            "CPUQuota=50.00%", "IOWeight=1", "TasksMax=32"));
    EXPECT_THAT(*bundle.settings.cpu_affinity, ElementsAre(0, 1));
}

TEST(ABundle, MapsTheOwnersOfAMount) {
    const std::string mounts = R"("mounts": [{"destination": "/data", "type": "bind", "source": "/srv", "options":
        ["bind", "idmap"], "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}, {"containerID": 10,
        "hostID": 5, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 100, "size": 7}]}])";
    const Bundle plain = accepted(bundle_with("", "", mounts));

    const auto& map = plain.settings.extra_mounts->at(0).owner_map;
    ASSERT_TRUE(map);
    EXPECT_THAT(map->users, ElementsAre(OwnerRange{0, 1000, 10}, OwnerRange{10, 5, 1}));
    EXPECT_THAT(map->groups, ElementsAre(OwnerRange{0, 100, 7}));
    EXPECT_FALSE(map->seen_by_host);

    const Bundle with_users = accepted(bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
        "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}])",
                                                   mounts));
    EXPECT_TRUE(with_users.settings.extra_mounts->at(0).owner_map->seen_by_host);
}

TEST(ABundle, HasClocksAndAPersonalityOfItsOwn) {
    const std::string namespaces = R"("namespaces": [{"type": "mount"}, {"type": "time"}])";
    const Bundle bundle = accepted(bundle_with("", namespaces + R"(, "personality": {"domain": "LINUX32"},
        "timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 7}, "boottime": {"secs": 86400}})"));

    EXPECT_EQ(bundle.settings.bundle->clocks, (ClockSpec{{-5, 7}, {86400, 0}}));
    EXPECT_TRUE(bundle.settings.personality && *bundle.settings.personality != "x86-64");
    EXPECT_EQ(accepted(bundle_with("", namespaces)).settings.bundle->clocks, ClockSpec{});
    EXPECT_FALSE(accepted(bundle_with("")).settings.bundle->clocks);
}

TEST(ABundle, TakesNetworkLinksOfTheHost) {
    const Bundle bundle = accepted(bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "network"}],
        "netDevices": {"eth7": {"name": "inner0"}, "eth8": {}})"));

    EXPECT_THAT(bundle.settings.network->interfaces, ElementsAre(LinkPair{"eth7", "inner0"}, LinkPair{"eth8", "eth8"}));
    EXPECT_TRUE(bundle.settings.network->interfaces_as_they_were);
}

TEST(ABundle, HasTheNamespacesThatItNames) {
    const Bundle bundle = accepted(R"({"ociVersion": "1.0.2", "root": {"path": "/tree"},
        "process": {"args": ["a"], "cwd": "/"}, "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"},
        {"type": "network", "path": "/run/netns/a"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
        "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}})");

    EXPECT_EQ(bundle.root, "/tree");
    EXPECT_TRUE(bundle.settings.bundle->shared.ipc && bundle.settings.bundle->shared.uts);
    EXPECT_FALSE(bundle.settings.bundle->shared.pid);
    EXPECT_EQ(bundle.settings.network->namespace_path, "/run/netns/a");
    EXPECT_EQ(bundle.settings.users->base, 100000U);
    EXPECT_EQ(bundle.settings.users->ownership, Ownership::off);
}

TEST(ABundle, SetsKernelSettingsOfItsOwnNamespacesOnly) {
    const std::string good = R"("sysctl": {"kernel.msgmax": "65536", "fs.mqueue.msg_max": "20"})";
    EXPECT_THAT(accepted(bundle_with("", good)).settings.bundle->sysctls,
                ElementsAre("fs.mqueue.msg_max=20", "kernel.msgmax=65536"));

    for (const char* name : {"kernel.core_pattern", "net.ipv4.ip_forward", "vm.swappiness", "net../kernel/panic",
                             "kernel.msgmax/../panic"})
        EXPECT_THAT(refused(bundle_with("", R"("sysctl": {")" + std::string{name} + R"(": "1"})")),
                    HasSubstr("linux.sysctl"))
            << name;
    EXPECT_THAT(refused(bundle_with("", R"("sysctl": {"kernel.msgmax": "1\nkernel.panic=1"})")), HasSubstr("msgmax"));
}

TEST(ABundle, RunsNoHooks) {
    const std::string text = bundle_with("", "", R"("hooks": {"prestart": [{"path": "/bin/true"}]})");

    EXPECT_THAT(refused(text), HasSubstr("'hooks.prestart' is not run"));
    EXPECT_THAT(warned(text, Manner::nspawn), HasSubstr("'hooks.prestart' is not run"));
    EXPECT_EQ(warned(bundle_with("", "", R"("hooks": {"prestart": []})")), "");
}

TEST(ABundle, TellsWhatItDoesNotKnow) {
    EXPECT_THAT(
        warned(bundle_with(R"("colour": "blue")", "", R"("future": {}, "solaris": null)")),
        AllOf(HasSubstr("'process.colour' is not known, ignored"), HasSubstr("'future' is not known, ignored")));
    EXPECT_THAT(warned(bundle_with(R"("apparmorProfile": "docker-default")")),
                HasSubstr("'process.apparmorProfile' is not applied"));
}

TEST(ABundle, BringsDevicesOfTheHost) {
    const Bundle bundle = accepted(bundle_with("", R"("devices": [
        {"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0},
        {"path": "/dev/kvm", "type": "c", "major": 10, "minor": 232}],
        "resources": {"devices": [{"allow": true, "type": "c", "major": 10, "minor": 232, "access": "rw"}]})"));

    ASSERT_EQ(bundle.devices.size(), 1U);
    EXPECT_EQ(bundle.devices[0].path, "/dev/kvm");
    EXPECT_EQ(bundle.settings.extra_mounts->back().source.path, "/dev/kvm");
}

struct Refusal {
    std::string text;
    const char* named; // the field
};

TEST(ABundle, IsRefusedByTheNameOfTheField) {
    const Refusal refusals[] = {
        {"", "config.json is no JSON"},
        {"[]", "config.json is no JSON object"},
        {R"({"ociVersion": "1.0.2")", "config.json is no JSON"},
        {std::string(100000, '['), "config.json is nested too deeply"},
        {"{}", "ociVersion"},
        {"{}", "root.path"},
        {"{}", "'linux' is missing"},
        {R"({"ociVersion": "2.0", "linux": {}})", "ociVersion"},
        {R"({"ociVersion": 1})", "'ociVersion' is no text"},
        {R"({"root": []})", "'root' is no object"},
        {R"({"process": {"args": []}})", "process.args"},
        {R"({"process": {"args": ["a", 1]}})", "process.args"},
        {R"({"process": {"args": ["a\u0000b"]}})", "process.args"},
        {bundle_with(R"("cwd": "../x")"), "process.cwd"},
        {bundle_with(R"("user": {"uid": -1})"), "process.user.uid"},
        {bundle_with(R"("user": {"uid": 4294967295})"), "process.user.uid"},
        {bundle_with(R"("user": {"uid": 1e99})"), "process.user.uid"},
        {bundle_with(R"("user": {"additionalGids": ["wheel"]})"), "process.user.additionalGids"},
        {bundle_with(R"("user": {"umask": 4096})"), "process.user.umask"},
        {bundle_with(R"("capabilities": {"bounding": ["CAP_ALL"]})"), "process.capabilities.bounding"},
        {bundle_with(R"("capabilities": {"effective": ["CAP_KILL"]})"), "process.capabilities.effective"},
        {bundle_with(R"("rlimits": [{"type": "RLIMIT_X", "soft": 1, "hard": 1}])"), "process.rlimits[0].type"},
        {bundle_with(R"("rlimits": [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}])"), "process.rlimits[0].type"},
        {bundle_with(R"("oomScoreAdj": 2000)"), "process.oomScoreAdj"},
        {bundle_with("", "", R"("hostname": "a\nb")"), "hostname"},
        {bundle_with("", "", R"("domainname": "a\nb")"), "domainname"},
        {bundle_with("", "", R"("mounts": [{"destination": "/a/../../b", "type": "tmpfs"}])"), "mounts[0].destination"},
        {bundle_with("", "", R"("mounts": [{"destination": "/", "type": "bind", "source": "/"}])"),
         "mounts[0].destination"},
        {bundle_with("", "", R"("mounts": [{"destination": "/a", "type": "nfs", "source": "b:/c"}])"),
         "mounts[0].type"},
        {bundle_with("", "", R"("mounts": [{"destination": "/a", "type": "bind"}])"), "mounts[0].source"},
        {bundle_with("", "",
                     R"("mounts": [{"destination": "/a", "type": "tmpfs", "options": ["size=1,huge=always"]}])"),
         "mounts[0].options"},
        {bundle_with("", "", R"("mounts": {"destination": "/a"})"), "'mounts' is no list"},
        {bundle_with("", "", R"("windows": {"layerFolders": ["a"]})"), "windows"},
        {bundle_with("", R"("namespaces": [{"type": "mount", "path": "/proc/1/ns/mnt"}])"), "linux.namespaces[0].path"},
        {bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "mount"}])"), "linux.namespaces[1].type"},
        {bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "dream"}])"), "linux.namespaces[1].type"},
        {bundle_with("", R"("namespaces": [{"type": "pid"}])"), "linux.namespaces"},
        {bundle_with("", R"("uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}])"), "linux.uidMappings"},
        {bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "user"}],
             "uidMappings": [{"containerID": 0, "hostID": 4294967000, "size": 65536}])"),
         "linux.uidMappings"},
        {bundle_with("", R"("devices": [{"path": "/etc/passwd", "type": "c", "major": 1, "minor": 1}])"),
         "linux.devices[0].path"},
        {bundle_with("", R"("devices": [{"path": "/dev/../etc/x", "type": "c", "major": 1, "minor": 1}])"),
         "linux.devices[0].path"},
        {bundle_with("", R"("resources": {"devices": [{"allow": true, "access": "rwm"}]})"),
         "linux.resources.devices[0].allow"},
        {bundle_with("", R"("resources": {"memory": {"limit": 5, "swap": 4}})"), "linux.resources.memory.swap"},
        {bundle_with("", R"("resources": {"cpu": {"quota": 1, "period": 0}})"), "linux.resources.cpu.quota"},
        {bundle_with("", R"("maskedPaths": ["relative"])"), "linux.maskedPaths"},
        {bundle_with("", R"("intelRdt": {"closID": "a"})"), "'linux.intelRdt' is not done: groups of resctrl"},
        {bundle_with("", R"("timeOffsets": {"boottime": {"secs": 1}})"), "linux.timeOffsets"},
        {bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "time"}],
             "timeOffsets": {"boottime": {"nanosecs": 1000000000}})"),
         "linux.timeOffsets.boottime.nanosecs"},
        {bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "time", "path": "/proc/1/ns/time"}])"),
         "linux.namespaces[1].path"},
        {bundle_with("", R"("personality": {"domain": "BSD"})"), "linux.personality.domain"},
        {bundle_with("", R"("personality": {"domain": "LINUX", "flags": ["a"]})"), "linux.personality.flags"},
        {bundle_with("", R"("netDevices": {"eth0": {}})"), "linux.netDevices"},
        {bundle_with("", R"("namespaces": [{"type": "mount"}, {"type": "network"}], "netDevices": {"a/b": {}})"),
         "linux.netDevices"},
        {bundle_with("",
                     R"("namespaces": [{"type": "mount"}, {"type": "network"}], "netDevices": {"a": {"name": "%"}})"),
         "linux.netDevices.a.name"},
        {bundle_with("", "", R"("mounts": [{"destination": "/a", "type": "bind", "source": "/", "uidMappings":
             [{"containerID": 0, "hostID": 0, "size": 1}]}])"),
         "mounts[0].gidMappings"},
        {bundle_with("", "", R"("mounts": [{"destination": "/a", "type": "bind", "source": "/", "uidMappings":
             [{"containerID": 0, "hostID": 4294967295, "size": 2}]}])"),
         "mounts[0].uidMappings[0].size"},
        {bundle_with("", "", R"("mounts": [{"destination": "/a", "type": "tmpfs", "uidMappings":
             [{"containerID": 0, "hostID": 0, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}])"),
         "mounts[0].uidMappings"},
    };
    for (const auto& [text, named] : refusals)
        EXPECT_THAT(refused(text), HasSubstr(named)) << text.substr(0, 200);
}

} // namespace machinist
