// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/group_limits.hpp"

#include <gmock/gmock.h>
#include <string>
#include <vector>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr HostAmounts a_host{.memory = 8000000000, .tasks = 30000};

// "file=value", with its device before the value.
std::vector<std::string> files_of(const std::vector<std::string>& assignments) {
    std::vector<std::string> texts;
    for (const GroupLimit& limit : group_limits(assignments, a_host))
        texts.push_back(limit.file + "=" + (limit.device.empty() ? "" : limit.device.string() + " ") + limit.value);
    return texts;
}

} // namespace

TEST(GroupLimits, AreWhatTheFilesOfTheKernelWant) {
    EXPECT_THAT(files_of({"MemoryMax=1G", "MemoryHigh=infinity", "MemoryLow=25%", "TasksMax=100", "CPUWeight=50",
                          "IOWeight=200", "AllowedCPUs=0-2,5"}),
                ElementsAre("memory.max=1073741824", "memory.high=max", "memory.low=2000000000", "pids.max=100",
                            "cpu.weight=50", "io.weight=default 200", "cpuset.cpus=0,1,2,5"));
    EXPECT_THAT(files_of({"CPUWeight=idle"}), ElementsAre("cpu.idle=1"));
    EXPECT_THAT(files_of({"TasksMax=0.01%"}), ElementsAre("pids.max=3"));
}

TEST(GroupLimits, OfProcessorsAreASharePerPeriod) {
    EXPECT_THAT(files_of({"CPUQuota=150%"}), ElementsAre("cpu.max=150000 100000"));
    EXPECT_THAT(files_of({"CPUQuota=12.5%", "CPUQuotaPeriodSec=10ms"}), ElementsAre("cpu.max=1250 10000"));
    EXPECT_THAT(files_of({"CPUQuotaPeriodSec=10ms"}), IsEmpty());
    EXPECT_THAT(files_of({"CPUQuota=0.01%"}), ElementsAre("cpu.max=1000 100000"));
}

TEST(GroupLimits, OfDevicesAreKeptApart) {
    EXPECT_THAT(files_of({"IOReadBandwidthMax=/dev/a 1M", "IOReadBandwidthMax=/dev/b 2M",
                          "IOReadBandwidthMax=/dev/a 3M", "IOWriteIOPSMax=/dev/a infinity", "IODeviceWeight=/dev/a 7"}),
                ElementsAre("io.max=/dev/b rbps=2097152", "io.max=/dev/a rbps=3145728", "io.max=/dev/a wiops=max",
                            "io.weight=/dev/a 7"));
}

TEST(GroupLimits, AreTheLastOfTheirNameAndNothingElse) {
    EXPECT_THAT(files_of({"MemoryMax=1G", "Description=x", "KillMode=mixed", "MemoryMax=1K", "rubbish"}),
                ElementsAre("memory.max=1024"));
}

TEST(GroupLimits, HaveNoValuesWithoutMeaning) {
    for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{{"MemoryMax", "much"},
                                                                                      {"MemoryMax", "101%"},
                                                                                      {"MemoryMax", "-1"},
                                                                                      {"MemoryMax", ""},
                                                                                      {"TasksMax", "0"},
                                                                                      {"CPUWeight", "0"},
                                                                                      {"CPUWeight", "10001"},
                                                                                      {"IOWeight", "idle"},
                                                                                      {"CPUQuota", "0%"},
                                                                                      {"CPUQuota", "1.234%"},
                                                                                      {"CPUQuota", "50"},
                                                                                      {"CPUQuotaPeriodSec", "soon"},
                                                                                      {"AllowedCPUs", "x"},
                                                                                      {"IOReadIOPSMax", "5"},
                                                                                      {"IOReadIOPSMax", "sda 5"},
                                                                                      {"IODeviceWeight", "/dev/a 0"},
                                                                                      {"Delegate", "yes"}})
        EXPECT_FALSE(is_group_limit(name, value)) << name << "=" << value;
    EXPECT_TRUE(is_group_limit("CPUQuota", "1000%"));
}

} // namespace machinist
