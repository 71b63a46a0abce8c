// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/unit_order.hpp"

#include "base/failure.hpp"
#include "scope/unit_report.hpp"

#include <gmock/gmock.h>

namespace machinist {

using testing::ElementsAre;

namespace {

UnitOrder order_of(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    return parse_unit_order(arguments);
}

const std::string id = "--id=0123456789abcdef0123456789abcdef";

} // namespace

TEST(AnOrder, NamesTheMachineItsProcessesAndItsScope) {
    const UnitOrder order =
        order_of({"--machine=web", "--leader=12", "--launcher=11", "--scope=machine-web.scope", "--register", id,
                  "--service=systemd-nspawn", "--root=/var/lib/machines/a=b", "--property=MemoryMax=1G",
                  "--property=TasksMax=5", "--interface=3", "--interface=4"});

    EXPECT_EQ(order.name, "web");
    EXPECT_EQ(order.leader, 12);
    EXPECT_EQ(order.launcher, 11);
    EXPECT_EQ(order.root, "/var/lib/machines/a=b");
    EXPECT_TRUE(order.register_machine);
    EXPECT_THAT(order.properties, ElementsAre("MemoryMax=1G", "TasksMax=5"));
    EXPECT_THAT(order.network_interfaces, ElementsAre(3, 4));
}

TEST(AnOrder, ToForgetAMachineNeedsItsNameOnly) {
    EXPECT_TRUE(order_of({"--unregister", "--machine=web"}).unregister);
}

TEST(AnOrder, WithoutMeaningIsRefused) {
    const std::vector<std::vector<std::string>> broken{
        {},
        {"--machine=web"},
        {"--machine=../web", "--leader=1"},
        {"--machine=web", "--leader=0"},
        {"--machine=web", "--leader=-1"},
        {"--machine=web", "--leader=99999999999"},
        {"--machine=web", "--leader=12x"},
        {"--machine=web", "--leader=1", "--scope=a.scope"},
        {"--machine=web", "--leader=1", "--register"},
        {"--machine=web", "--leader=1", "--register", "--id=abc"},
        {"--machine=web", "--leader=1", "--unknown"},
        {"web"},
    };
    for (const auto& words : broken)
        EXPECT_THROW((void)order_of(words), Failure) << testing::PrintToString(words);
}

TEST(AReport, IsReadAsItWasWritten) {
    UnitReport report;
    report.has_bus = true;
    report.why_not_listed = Failure{FailureKind::already_exists, "machine 'web'\nalready exists"};

    const UnitReport read = read_unit_report(write_unit_report(report));

    EXPECT_TRUE(read.has_bus);
    EXPECT_FALSE(read.is_listed);
    EXPECT_FALSE(read.failure);
    ASSERT_TRUE(read.why_not_listed);
    EXPECT_EQ(read.why_not_listed->kind(), FailureKind::already_exists);
    EXPECT_STREQ(read.why_not_listed->what(), report.why_not_listed->what());
}

TEST(AReport, OfAProgramThatDiedIsNone) {
    for (const char* text : {"", "bus\n", "bus\nlisted\n", "endless\n"})
        EXPECT_THROW((void)read_unit_report(text), Failure) << text;
}

} // namespace machinist
