// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include <gmock/gmock.h>

namespace machinist::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr const char* our_manager = "io.machinist.Manager1";
constexpr const char* job_interface = "io.machinist.Job1";

} // namespace

class StartingAMachine : public AService {
protected:
    Outcome start(const std::string& name, const NamedValues& options = {}) {
        return call_at(*root, manager_path, our_manager, "StartMachine", filling(name, options));
    }
    std::string text_of(const ObjectPath& job, const char* name) {
        return std::get<std::string>(property(job.text, job_interface, name).take<Variant>());
    }
    bool becomes(const ObjectPath& job, const std::string& state) {
        return until([&] { return text_of(job, "State") == state; });
    }
};

TEST_F(StartingAMachine, StartsItsUnit) {
    systemd.holds_jobs = true;
    listen();

    const auto job = start("web-1").take<ObjectPath>();

    EXPECT_EQ(text_of(job, "Kind"), "start");
    EXPECT_EQ(text_of(job, "Machine"), "web-1");
    EXPECT_EQ(text_of(job, "State"), "running");
    ASSERT_TRUE(until([&] { return !systemd.started.empty(); }));
    EXPECT_THAT(systemd.started, ElementsAre("machinist@web-1.service"));
    systemd.finish_jobs();
    EXPECT_TRUE(becomes(job, "done"));
    EXPECT_TRUE(until([&] { return saw("Finished", "done"); }));
}

TEST_F(StartingAMachine, WithOptionsMakesAUnitThatHasThem) {
    const auto job = start("web", {{"boot", true}, {"hostname", std::string{"here"}}}).take<ObjectPath>();

    EXPECT_TRUE(becomes(job, "done"));
    EXPECT_THAT(systemd.started, IsEmpty());
    ASSERT_TRUE(systemd.scopes.contains("machinist-run@web.service"));
    const auto& properties = systemd.scopes.at("machinist-run@web.service").properties;
    EXPECT_THAT(properties, ::testing::Contains(Pair("Slice", Variant{std::string{"machine.slice"}})));
    EXPECT_THAT(properties, ::testing::Contains(Pair("Delegate", Variant{true})));
    EXPECT_TRUE(properties.contains("ExecStart"));
}

TEST_F(StartingAMachine, TakesKeysOfSettingsFilesToo) {
    const NamedValues options{{"MemoryMax", std::string{"1G"}}, {"Boot", true}, {"TasksMax", std::uint32_t{9}}};
    const auto job = start("web", options).take<ObjectPath>();

    EXPECT_TRUE(becomes(job, "done"));
    EXPECT_EQ(start("web", {{"MemoryMax", std::string{"much"}}}).error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(start("web", {{"KeepUnit", true}}).error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(start("web", {{"key", std::string{"KeepUnit=no"}}}).error, "org.freedesktop.DBus.Error.InvalidArgs");
}

TEST_F(StartingAMachine, FailsAsItsUnitDoes) {
    systemd.result = "failed";

    const auto job = start("web").take<ObjectPath>();

    EXPECT_TRUE(becomes(job, "failed"));
    EXPECT_THAT(text_of(job, "Message"), HasSubstr("machinist@web.service"));
}

TEST_F(StartingAMachine, FailsWithWhatSystemdSays) {
    systemd.refuse_start = {"org.freedesktop.systemd1.UnitMasked", "Unit machinist@web.service is masked."};

    const auto job = start("web").take<ObjectPath>();

    EXPECT_TRUE(becomes(job, "failed"));
    EXPECT_THAT(text_of(job, "Message"), HasSubstr("is masked"));
}

TEST_F(StartingAMachine, RefusesWhatCannotBeOne) {
    const Leader leader;
    (void)register_machine("taken", leader.number());

    EXPECT_EQ(start("taken").error, "org.freedesktop.machine1.MachineExists");
    EXPECT_EQ(start("..").error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(start("web", {{"no-option", true}}).error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(start("web", {{"machine", std::string{"other"}}}).error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_THAT(systemd.started, IsEmpty());
}

TEST_F(StartingAMachine, IsCanceledByStoppingTheUnit) {
    systemd.holds_jobs = true;
    const auto job = start("web", {{"boot", true}}).take<ObjectPath>();
    ASSERT_TRUE(until([&] { return systemd.scopes.contains("machinist-run@web.service"); }));

    EXPECT_EQ(call_at(*root, job.text, job_interface, "Cancel", {}).error, "");

    EXPECT_TRUE(becomes(job, "canceled"));
    EXPECT_THAT(systemd.stopped, ElementsAre("machinist-run@web.service"));
}

} // namespace machinist::testing
