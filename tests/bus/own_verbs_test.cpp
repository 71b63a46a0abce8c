// SPDX-License-Identifier: LGPL-2.1-or-later
// PowerOff, Reboot, Pause and Resume of io.machinist.Machine1, as far as no machine has to be there: how inits take
// them is tried with real ones.
#include "service.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <tuple>
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
    static Connection::Fill a_port(const char* protocol, std::uint16_t of_host, std::uint16_t of_machine,
                                   std::uint16_t count) {
        return filling(std::string{protocol}, of_host, of_machine, count);
    }
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

TEST_F(AVerbOfOurs, ThatChangesPortsIsAskedForByThoseWhoMay) {
    (void)register_machine("web", leader.number());

    for (const auto& [member, verb] : {std::pair{"AddPort", "add-port"}, {"RemovePort", "remove-port"}}) {
        polkit.asked.clear();

        EXPECT_EQ(call_at(somebody_else(), machine_path("web"), ours, member, a_port("tcp", 8080, 80, 1)).error,
                  "org.freedesktop.DBus.Error.AccessDenied");

        ASSERT_EQ(polkit.asked.size(), 1U) << member;
        EXPECT_EQ(polkit.asked[0].action, "org.freedesktop.machine1.manage-machines");
        EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("machine", "web"), Pair("verb", verb)));
    }
}

TEST_F(AVerbOfOurs, ThatChangesPortsKnowsWhatAPortIs) {
    (void)register_machine("web", leader.number());

    for (const char* member : {"AddPort", "RemovePort"})
        for (const auto& wrong :
             {a_port("sctp", 8080, 80, 1), a_port("", 8080, 80, 1), a_port("tcp", 0, 80, 1), a_port("tcp", 8080, 0, 1),
              a_port("tcp", 8080, 80, 0), a_port("udp", 65535, 80, 2), a_port("udp", 80, 65000, 1000)})
            EXPECT_EQ(call_at(somebody_else(), machine_path("web"), ours, member, wrong).error,
                      "org.freedesktop.DBus.Error.InvalidArgs")
                << member;

    EXPECT_THAT(polkit.asked, IsEmpty());
}

TEST_F(AVerbOfOurs, ThatChangesPortsIsOfMachinesThatAreKeptByOurs) {
    (void)register_machine("web", leader.number());

    EXPECT_EQ(call_at(*root, machine_path("web"), ours, "Ports", {}).error, "");
    for (const char* member : {"AddPort", "RemovePort"}) {
        const Outcome outcome = call_at(*root, machine_path("web"), ours, member, a_port("tcp", 8080, 80, 1));

        EXPECT_EQ(outcome.error, "org.freedesktop.DBus.Error.NotSupported") << member;
        EXPECT_THAT(outcome.sentence, HasSubstr("another manager"));
    }
}

TEST_F(AVerbOfOurs, ThatChangesDevicesIsAskedForByThoseWhoMay) {
    (void)register_machine("web", leader.number());

    for (const auto& [member, verb, arguments] :
         {std::tuple{"AddDevice", "add-device", filling(std::string{"/dev/kvm"}, std::string{"rw"})},
          std::tuple{"RemoveDevice", "remove-device", filling(std::string{"/dev/kvm"})}}) {
        polkit.asked.clear();

        EXPECT_EQ(call_at(somebody_else(), machine_path("web"), ours, member, arguments).error,
                  "org.freedesktop.DBus.Error.AccessDenied");

        ASSERT_EQ(polkit.asked.size(), 1U) << member;
        EXPECT_EQ(polkit.asked[0].action, "org.freedesktop.machine1.manage-machines");
        EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("machine", "web"), Pair("verb", verb)));
    }
}

TEST_F(AVerbOfOurs, ThatChangesDevicesKnowsWhatADeviceIs) {
    (void)register_machine("web", leader.number());
    const std::string endless(5000, 'x');

    for (const auto& [path, access] : {std::pair<std::string, std::string>{"", ""},
                                       {"kvm", ""},
                                       {"/etc/passwd", "r"},
                                       {"/dev", ""},
                                       {"/dev/", ""},
                                       {"/dev/../etc/passwd", "r"},
                                       {"/dev/" + endless, ""},
                                       {"/dev/kvm", "x"},
                                       {"/dev/kvm", "rwmq"},
                                       {"/dev/kvm", "r:w"}})
        EXPECT_EQ(call_at(somebody_else(), machine_path("web"), ours, "AddDevice", filling(path, access)).error,
                  "org.freedesktop.DBus.Error.InvalidArgs")
            << path << " " << access;
    for (const std::string path : {"", "kvm", "/etc/passwd", "/dev/../etc/passwd"})
        EXPECT_EQ(call_at(somebody_else(), machine_path("web"), ours, "RemoveDevice", filling(path)).error,
                  "org.freedesktop.DBus.Error.InvalidArgs")
            << path;

    EXPECT_THAT(polkit.asked, IsEmpty());
}

TEST_F(AVerbOfOurs, ThatChangesDevicesIsOfMachinesThatAreKeptByOurs) {
    (void)register_machine("web", leader.number());

    EXPECT_EQ(call_at(*root, machine_path("web"), ours, "Devices", {}).error, "");
    for (const auto& [member, arguments] : {std::pair{"AddDevice", filling(std::string{"/dev/kvm"}, std::string{"rw"})},
                                            std::pair{"RemoveDevice", filling(std::string{"/dev/kvm"})}}) {
        const Outcome outcome = call_at(*root, machine_path("web"), ours, member, arguments);

        EXPECT_EQ(outcome.error, "org.freedesktop.DBus.Error.NotSupported") << member;
        EXPECT_THAT(outcome.sentence, HasSubstr("another manager"));
    }
}

} // namespace machinist::testing
