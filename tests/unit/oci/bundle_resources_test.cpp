// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/bundles.hpp"

#include "spec/group_limits.hpp"

#include <gmock/gmock.h>

namespace machinist {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace test;

std::string with_resources(const std::string& members) {
    return bundle_with("", R"("resources": {)" + members + "}");
}

std::vector<std::string> properties_of(const std::string& members) {
    const auto properties = accepted(with_resources(members)).settings.bundle->unit_properties;
    // What limits a machine where there is no systemd.
    for (const std::string& property : properties)
        EXPECT_TRUE(is_group_limit(property.substr(0, property.find('=')), property.substr(property.find('=') + 1)))
            << property;
    return properties;
}

} // namespace

TEST(ResourcesOfABundle, LimitProcessorsAndMemoryNodes) {
    EXPECT_THAT(properties_of(R"("cpu": {"mems": "0-1,3", "shares": 2048, "idle": 1, "burst": 0})"),
                ElementsAre("CPUWeight=idle", "AllowedMemoryNodes=0-1,3"));
    EXPECT_THAT(properties_of(R"("cpu": {"quota": 5000, "period": 20000, "idle": 0})"),
                ElementsAre("CPUQuota=25.00%", "CPUQuotaPeriodSec=20000us"));
}

TEST(ResourcesOfABundle, LimitDevices) {
    EXPECT_THAT(properties_of(R"("blockIO": {"weight": 1000,
        "weightDevice": [{"major": 8, "minor": 0, "weight": 10, "leafWeight": 5}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1048576}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 16, "rate": 600}],
        "throttleReadIOPSDevice": [{"major": 259, "minor": 3, "rate": 10}],
        "throttleWriteIOPSDevice": [{"major": 259, "minor": 3, "rate": 11}, {"major": 8, "minor": 0, "rate": 0}]})"),
                ElementsAre("IOWeight=10000", "IODeviceWeight=/dev/block/8:0 1",
                            "IOReadBandwidthMax=/dev/block/8:0 1048576", "IOWriteBandwidthMax=/dev/block/8:16 600",
                            "IOReadIOPSMax=/dev/block/259:3 10", "IOWriteIOPSMax=/dev/block/259:3 11"));
}

TEST(ResourcesOfABundle, NameFilesOfCgroups) {
    EXPECT_THAT(properties_of(R"("unified": {"memory.high": "1048576", "memory.max": "max", "memory.min": "0",
        "memory.low": "1", "memory.swap.max": "2", "memory.zswap.max": "3", "pids.max": "77"})"),
                ElementsAre("MemoryHigh=1048576", "MemoryLow=1", "MemoryMax=infinity", "MemoryMin=0", "MemorySwapMax=2",
                            "MemoryZSwapMax=3", "TasksMax=77"));
    EXPECT_THAT(properties_of(R"("unified": {"cpu.weight": "300", "cpu.max": "50000 200000", "cpuset.cpus": "0-2",
        "cpuset.mems": "0"})"),
                ElementsAre("CPUQuota=25.00%", "CPUQuotaPeriodSec=200000us", "CPUWeight=300", "AllowedCPUs=0-2",
                            "AllowedMemoryNodes=0"));
    EXPECT_THAT(properties_of(R"("unified": {"cpu.max": "max 100000", "cpu.idle": "1"})"),
                ElementsAre("CPUWeight=idle"));
    EXPECT_THAT(properties_of(R"("unified": {"io.weight": "default 50\n8:0 200\n", "io.max":
        "8:16 rbps=2097152 wiops=120\n8:0 riops=max wbps=5"})"),
                ElementsAre("IOReadBandwidthMax=/dev/block/8:16 2097152", "IOWriteIOPSMax=/dev/block/8:16 120",
                            "IOWriteBandwidthMax=/dev/block/8:0 5", "IOWeight=50",
                            "IODeviceWeight=/dev/block/8:0 200"));
}

TEST(ResourcesOfABundle, AreRefusedByTheReason) {
    const std::pair<const char*, const char*> refusals[] = {
        {R"("cpu": {"mems": "x"})", "'linux.resources.cpu.mems' is no list of memory nodes"},
        {R"("cpu": {"idle": 2})", "'linux.resources.cpu.idle' is neither 0 nor 1"},
        {R"("cpu": {"burst": 10})", "'linux.resources.cpu.burst' is not limited: systemd has no property for it"},
        {R"("blockIO": {"weightDevice": [{"major": 8, "weight": 10}]})", "blockIO.weightDevice[0].major"},
        {R"("blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 9}]})", "blockIO.weightDevice[0].weight"},
        {R"("blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": -1, "rate": 10}]})", "[0].minor"},
        {R"("hugepageLimits": [{"pageSize": "2MB", "limit": 9}])", "'linux.resources.hugepageLimits' is not limited"},
        {R"("rdma": {"mlx5_1": {"hcaHandles": 3}})", "'linux.resources.rdma' is not limited"},
        {R"("unified": {"hugetlb.2MB.max": "9"})", "'linux.resources.unified.hugetlb.2MB.max' is not written"},
        {R"("unified": {"../cgroup.procs": "1"})", "is not written"},
        {R"("unified": {"memory.max": "1G"})", "'linux.resources.unified.memory.max' has a value without a meaning"},
        {R"("unified": {"cpu.weight": "0"})", "unified.cpu.weight"},
        {R"("unified": {"cpu.max": "0 100000"})", "unified.cpu.max"},
        {R"("unified": {"io.max": "8:0"})", "unified.io.max"},
        {R"("unified": {"io.max": "/dev/sda rbps=1"})", "unified.io.max"},
        {R"("unified": {"io.max": "8:0 xbps=1"})", "unified.io.max"},
        {R"("unified": {"io.weight": "8:0 0"})", "unified.io.weight"},
        {R"("unified": {"memory.max": 5})", "'linux.resources.unified' has something that is no text"},
    };
    for (const auto& [members, sentence] : refusals)
        EXPECT_THAT(refused(with_resources(members)), HasSubstr(sentence)) << members;
}

TEST(ResourcesOfABundle, ArePassedOverWhereTheyAreOfOldGroupsOnly) {
    EXPECT_THAT(warned(with_resources(R"("cpu": {"realtimeRuntime": 10, "realtimePeriod": 100},
        "network": {"classID": 5})")),
                AllOf(HasSubstr("'linux.resources.cpu.realtimeRuntime' is of cgroup v1 only, ignored"),
                      HasSubstr("'linux.resources.network' is of cgroup v1 only, ignored")));
}

TEST(SchedulingOfABundle, IsWhatItsProcessSays) {
    const auto read = [](const std::string& process, const std::string& linux_part = "") {
        return *accepted(bundle_with(process, linux_part)).settings.bundle;
    };

    EXPECT_EQ(read(R"("ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0})").io_priority,
              (IoPrioritySpec{3, 0}));
    EXPECT_EQ(read(R"("ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 7})").io_priority, (IoPrioritySpec{2, 7}));
    EXPECT_EQ(read(R"("scheduler": {"policy": "SCHED_BATCH", "nice": -5})").scheduler,
              (SchedulerSpec{.policy = 3, .nice = -5}));
    EXPECT_EQ(read(R"("scheduler": {"policy": "SCHED_FIFO", "priority": 9, "flags": ["SCHED_FLAG_RESET_ON_FORK"]})")
                  .scheduler,
              (SchedulerSpec{.policy = 1, .flags = 1, .priority = 9}));
    EXPECT_EQ(
        read(R"("scheduler": {"policy": "SCHED_DEADLINE", "runtime": 10, "deadline": 20, "period": 30})").scheduler,
        (SchedulerSpec{.policy = 6, .runtime = 10, .deadline = 20, .period = 30}));
    // It means nothing for the first process.
    EXPECT_FALSE(accepted(bundle_with(R"("execCPUAffinity": {"initial": "0-1", "final": "0"})")).settings.cpu_affinity);
    EXPECT_EQ(read("", R"("memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0,2-3", "flags": ["MPOL_F_STATIC_NODES"]})")
                  .memory_policy,
              (MemoryPolicySpec{2, 1U << 15, {0, 2, 3}}));
    EXPECT_EQ(read("", R"("memoryPolicy": {"mode": "MPOL_LOCAL"})").memory_policy, (MemoryPolicySpec{4, 0, {}}));
}

TEST(SchedulingOfABundle, IsRefusedByTheNameOfTheField) {
    const std::pair<const char*, const char*> refusals[] = {
        {R"("ioPriority": {"class": "IOPRIO_CLASS_X", "priority": 1})", "process.ioPriority.class"},
        {R"("ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 8})", "process.ioPriority.priority"},
        {R"("scheduler": {"policy": "SCHED_ISO"})", "which Linux never had"},
        {R"("scheduler": {"policy": "SCHED_X"})", "process.scheduler.policy"},
        {R"("scheduler": {"policy": "SCHED_OTHER", "nice": 20})", "process.scheduler.nice"},
        {R"("scheduler": {"policy": "SCHED_FIFO"})", "process.scheduler.priority"},
        {R"("scheduler": {"policy": "SCHED_OTHER", "priority": 1})", "process.scheduler.priority"},
        {R"("scheduler": {"policy": "SCHED_DEADLINE"})", "process.scheduler.runtime"},
        {R"("scheduler": {"policy": "SCHED_DEADLINE", "runtime": 30, "deadline": 20})", "process.scheduler.deadline"},
        {R"("scheduler": {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_UTIL_CLAMP_MIN"]})",
         "no bundle can have the values for"},
        {R"("execCPUAffinity": {"final": "a"})", "process.execCPUAffinity.final"},
    };
    for (const auto& [process, sentence] : refusals)
        EXPECT_THAT(refused(bundle_with(process)), HasSubstr(sentence)) << process;
    for (const char* policy :
         {R"({"mode": "MPOL_X"})", R"({"mode": "MPOL_BIND"})", R"({"mode": "MPOL_BIND", "nodes": "a"})",
          R"({"mode": "MPOL_LOCAL", "nodes": "0"})", R"({"mode": "MPOL_LOCAL", "flags": ["X"]})"})
        EXPECT_THAT(refused(bundle_with("", R"("memoryPolicy": )" + std::string{policy})),
                    HasSubstr("linux.memoryPolicy."))
            << policy;
}

} // namespace machinist
