// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/unit_property.hpp"

#include "base/failure.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

template <typename Type>
UnitProperty property(const char* name, Type value) {
    return {name, UnitProperty::Value{std::move(value)}};
}

FailureKind kind_of_failure(std::string_view assignment) {
    try {
        (void)parse_unit_property(assignment);
    } catch (const Failure& failure) {
        return failure.kind();
    }
    ADD_FAILURE() << assignment << " was taken";
    return FailureKind::internal;
}

} // namespace

TEST(AUnitProperty, HasTheTypeThatSystemdTakes) {
    EXPECT_EQ(parse_unit_property("MemoryAccounting=on"), property("MemoryAccounting", true));
    EXPECT_EQ(parse_unit_property("Slice=a.slice"), property("Slice", std::string{"a.slice"}));
    EXPECT_EQ(parse_unit_property("MemoryMax=1G"), property("MemoryMax", std::uint64_t{1} << 30));
    EXPECT_EQ(parse_unit_property("TasksMax=16384"), property("TasksMax", std::uint64_t{16384}));
    EXPECT_EQ(parse_unit_property("TasksMax=infinity"), property("TasksMax", std::uint64_t{UINT64_MAX}));
    EXPECT_EQ(parse_unit_property("CPUWeight=idle"), property("CPUWeight", std::uint64_t{0}));
    EXPECT_EQ(parse_unit_property("KillSignal=SIGURG"), property("KillSignal", std::int32_t{23}));
    EXPECT_EQ(parse_unit_property("After=a.service b.target"),
              property("After", UnitProperty::Words{"a.service", "b.target"}));
    EXPECT_EQ(parse_unit_property("AllowedCPUs=0-1,9"), property("AllowedCPUs", std::vector<std::uint8_t>{3, 2}));
    EXPECT_EQ(parse_unit_property("IOWriteBandwidthMax=/dev/loop0 10M"),
              property("IOWriteBandwidthMax", UnitProperty::Amounts{{"/dev/loop0", 10U << 20}}));
}

TEST(AUnitProperty, OfAShareIsAnotherPropertyInPartsOfTheWhole) {
    EXPECT_EQ(parse_unit_property("MemoryMax=100%"), property("MemoryMaxScale", std::uint32_t{UINT32_MAX}));
    EXPECT_EQ(parse_unit_property("MemoryHigh=50%"), property("MemoryHighScale", std::uint32_t{1U << 31}));
    EXPECT_EQ(kind_of_failure("MemoryMax=101%"), FailureKind::invalid);
}

TEST(AUnitProperty, OfTimeIsInMicroseconds) {
    EXPECT_EQ(parse_unit_property("TimeoutStopSec=1min 30s"), property("TimeoutStopUSec", std::uint64_t{90'000'000}));
    EXPECT_EQ(parse_unit_property("RuntimeMaxSec=0.5"), property("RuntimeMaxUSec", std::uint64_t{500'000}));
    EXPECT_EQ(parse_unit_property("RuntimeMaxSec=infinity"), property("RuntimeMaxUSec", std::uint64_t{UINT64_MAX}));
    EXPECT_EQ(parse_unit_property("CPUQuota=150%"), property("CPUQuotaPerSecUSec", std::uint64_t{1'500'000}));
    EXPECT_EQ(parse_unit_property("CPUQuota="), property("CPUQuotaPerSecUSec", std::uint64_t{UINT64_MAX}));
}

TEST(AUnitProperty, OfADeviceIsItsPathAndAccess) {
    EXPECT_EQ(parse_unit_property("DeviceAllow=block-* rw"),
              property("DeviceAllow", UnitProperty::Pairs{{"block-*", "rw"}}));
    EXPECT_EQ(parse_unit_property("DeviceAllow=/dev/kvm"),
              property("DeviceAllow", UnitProperty::Pairs{{"/dev/kvm", "rwm"}}));
    EXPECT_EQ(parse_unit_property("DeviceAllow="), property("DeviceAllow", UnitProperty::Pairs{}));
}

TEST(AUnitProperty, OfDelegationNamesControllersOrAllOfThem) {
    EXPECT_EQ(parse_unit_property("Delegate=yes"), property("Delegate", true));
    EXPECT_EQ(parse_unit_property("Delegate=cpu memory"),
              property("DelegateControllers", UnitProperty::Words{"cpu", "memory"}));
}

TEST(AUnitProperty, ThatHasNoMeaningIsRefused) {
    for (const char* broken :
         {"", "=", "MemoryMax", "MemoryMax=", "MemoryMax=much", "TasksMax=-1", "DeviceAllow=/dev/kvm rwx",
          "DeviceAllow=a b c", "CPUQuota=0%", "CPUQuota=1.234%", "KillSignal=SIGNOTHING", "TimeoutStopSec=soon",
          "TimeoutStopSec=", "TimeoutStopSec=99999999999999w", "SendSIGHUP=perhaps", "AllowedCPUs=99999999",
          "IOReadIOPSMax=/dev/a", "Description=\xff"})
        EXPECT_EQ(kind_of_failure(broken), FailureKind::invalid) << broken;
}

TEST(AUnitProperty, ThatNoScopeHasIsRefusedByName) {
    for (const char* unknown : {"ExecStart=/bin/sh", "NoSuch=1", "Slice Description=a", "PIDs=1", "Controller=a.b"})
        EXPECT_EQ(kind_of_failure(unknown), FailureKind::not_supported) << unknown;
}

} // namespace machinist
