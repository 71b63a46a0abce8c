// SPDX-License-Identifier: LGPL-2.1-or-later
// PowerOff, Reboot, Pause and Resume of io.machinist.Machine1, as far as no machine has to be there: how inits take
// them is tried with real ones.
#include "service.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* ours = "io.machinist.Machine1";

class AVerbOfOurs : public AService {
protected:
    Leader leader;
};

} // namespace

TEST_F(AVerbOfOurs, IsAskedForByThoseWhoMay) {
    (void)register_machine("web", leader.number());

    for (const auto& [member, verb] :
         {std::pair{"PowerOff", "poweroff"}, {"Reboot", "reboot"}, {"Pause", "pause"}, {"Resume", "resume"}}) {
        polkit.asked.clear();

        EXPECT_EQ(call_at(somebody_else(), machine_path("web"), ours, member, {}).error,
                  "org.freedesktop.DBus.Error.AccessDenied");

        ASSERT_EQ(polkit.asked.size(), 1U) << member;
        EXPECT_EQ(polkit.asked[0].action, "org.freedesktop.machine1.manage-machines");
        EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("machine", "web"), Pair("verb", verb)));
    }
}

TEST_F(AVerbOfOurs, ThatCannotBeDoneSaysWhyAndHarmsNobody) {
    // Known to this service by a directory that no other program looks into.
    (void)register_machine("web", leader.number());

    const Outcome outcome = call_at(*root, machine_path("web"), ours, "PowerOff", {});

    EXPECT_EQ(outcome.error, "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_THAT(outcome.sentence, HasSubstr("web"));
    EXPECT_EQ(::kill(leader.pid(), 0), 0);
}

TEST_F(AVerbOfOurs, IsOfContainersOnly) {
    (void)call_at(*root, manager_path, manager_interface, "RegisterMachine", registration("vm", leader.number(), "vm"));

    EXPECT_EQ(call_at(*root, machine_path("vm"), ours, "PowerOff", {}).error,
              "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_EQ(call_at(*root, machine_path(".host"), ours, "PowerOff", {}).error,
              "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_THAT(systemd.stopped, IsEmpty());
}

} // namespace machinist::testing
