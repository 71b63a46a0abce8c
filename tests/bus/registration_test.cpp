// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <sys/socket.h>

namespace machinist::testing {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Registering : public AService {};
class Creating : public AService {};

constexpr const char* invalid = "org.freedesktop.DBus.Error.InvalidArgs";
constexpr const char* exists = "org.freedesktop.machine1.MachineExists";

SharedFd borrowed(int descriptor) {
    return std::make_shared<const UniqueFd>(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
}

} // namespace

TEST_F(Registering, GivesTheObjectAndListsTheMachine) {
    const Leader leader;

    EXPECT_EQ(register_machine("web", leader.number()).take<ObjectPath>().text, machine_path("web"));

    EXPECT_THAT(names(), ElementsAre(".host", "web"));
    EXPECT_EQ(manager("GetMachine", std::string{"web"}).take<ObjectPath>().text, machine_path("web"));
    EXPECT_EQ(manager("GetMachineByPID", leader.number()).take<ObjectPath>().text, machine_path("web"));
}

TEST_F(Registering, WritesTheStateFileBeforeItAnswers) {
    const Leader leader;

    (void)call_at(*root, manager_path, manager_interface, "RegisterMachine",
                  registration("web", leader.number(), "container",
                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "/srv/a tree", "libvirt-lxc"));

    const auto record = parse_machine_record(read_file(state_file("web")));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->leader, leader.pid());
    EXPECT_EQ(record->service, "libvirt-lxc");
    EXPECT_EQ(record->machine_class, "container");
    EXPECT_EQ(record->root, "/srv/a tree");
    EXPECT_EQ(record->id->plain(), "0102030405060708090a0b0c0d0e0f10");
    EXPECT_EQ(record->supervisor, ::getpid());
    EXPECT_GT(record->realtime, 0U);
}

TEST_F(Registering, TellsThatTheMachineIsThereAndWhenItIsGone) {
    listen();
    Leader leader;

    (void)register_machine("web", leader.number());
    EXPECT_TRUE(until([&] { return saw("MachineNew", "web") && saw("InterfacesAdded", machine_path("web")); }));
    leader.end();

    EXPECT_TRUE(until([&] { return saw("MachineRemoved", "web") && saw("InterfacesRemoved", machine_path("web")); }));
    EXPECT_EQ(manager("GetMachine", std::string{"web"}).error, "org.freedesktop.machine1.NoSuchMachine");
    EXPECT_FALSE(std::filesystem::exists(state_file("web")));
}

TEST_F(Registering, TakesTheCallerForTheLeaderWhereNoneIsNamed) {
    (void)register_machine("self", 0);

    const auto all = properties(machine_path("self"), machine_interface);
    EXPECT_EQ(std::get<std::uint32_t>(all.at("Leader")), static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(std::get<std::uint32_t>(all.at("Supervisor")), 0U);
    EXPECT_EQ(manager("GetMachineByPID", std::uint32_t{0}).take<ObjectPath>().text, machine_path("self"));
    EXPECT_EQ(
        std::get<std::string>(
            properties(machine_path("self").substr(0, machine_path("self").rfind('/')) + "/self", machine_interface)
                .at("Name")),
        "self");
}

TEST_F(Registering, RefusesATakenName) {
    const Leader one;
    const Leader two;
    (void)register_machine("web", one.number());

    const Outcome second = register_machine("web", two.number());

    EXPECT_EQ(second.error, exists);
    EXPECT_EQ(second.sentence, "Machine 'web' already exists");
}

TEST_F(Registering, RefusesALeaderThatHasAMachineAlready) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_EQ(register_machine("other", leader.number()).error, exists);
    EXPECT_THAT(names(), Not(Contains("other")));
}

TEST_F(Registering, GivesTheNameOfADeadMachineToTheNext) {
    for (int round = 0; round < 20; ++round) {
        Leader leader;
        EXPECT_EQ(register_machine("web", leader.number()).error, "") << "round " << round;
        leader.end();
    }
}

TEST_F(Registering, RefusesNamesOutsideOfTheGrammar) {
    const Leader leader;
    for (const std::string& name :
         {std::string{}, std::string{"."}, std::string{".."}, std::string{".host"}, std::string{"-"} + "/",
          std::string{"a/b"}, std::string{"a..b"}, std::string{"a b"}, std::string{"a\nb"}, std::string{"\xc3\xa4"},
          std::string(65, 'a'), std::string(100'000, 'a'), std::string{"unit:x"}}) {
        const Outcome outcome = register_machine(name, leader.number());
        EXPECT_EQ(outcome.error, invalid) << name.substr(0, 80);
        EXPECT_THAT(outcome.sentence, HasSubstr("Invalid machine name"));
    }
    EXPECT_THAT(names(), ElementsAre(".host"));
}

TEST_F(Registering, RefusesLeadersThatAreNone) {
    Leader dead;
    const std::uint32_t gone = dead.number();
    dead.end();
    for (const std::uint32_t leader : {1U, gone, 4294967295U, 2147483647U, 0x80000000U})
        EXPECT_EQ(register_machine("web", leader).error, invalid) << leader;
}

TEST_F(Registering, RefusesOtherValuesWithoutMeaning) {
    const Leader leader;
    const auto refused = [&](const Fill& fill) {
        return call_at(*root, manager_path, manager_interface, "RegisterMachine", fill).error;
    };
    EXPECT_EQ(refused(registration("web", leader.number(), "host")), invalid);
    EXPECT_EQ(refused(registration("web", leader.number(), "Container")), invalid);
    EXPECT_EQ(refused(registration("web", leader.number(), "container", {1, 2, 3})), invalid);
    EXPECT_EQ(refused(registration("web", leader.number(), "container", std::vector<std::uint8_t>(100'000, 7))),
              invalid);
    EXPECT_EQ(refused(registration("web", leader.number(), "container", {}, "relative")), invalid);
    EXPECT_EQ(refused(registration("web", leader.number(), "container", {}, "/a\nLEADER=1")), invalid);
    EXPECT_EQ(refused(registration("web", leader.number(), "container", {}, "", "a\nLEADER=1")), invalid);
}

TEST_F(Registering, KeepsTheInterfacesOfTheHost) {
    const Leader leader;
    const auto with = [&](const std::vector<std::int32_t>& interfaces) {
        return manager("RegisterMachineWithNetwork", std::string{"web"}, std::vector<std::uint8_t>{},
                       std::string{"test"}, std::string{"container"}, leader.number(), std::string{}, interfaces)
            .error;
    };
    EXPECT_EQ(with({0}), invalid);
    EXPECT_EQ(with({-1}), invalid);
    EXPECT_EQ(with(std::vector<std::int32_t>(100'000, 2)), invalid);
    EXPECT_EQ(with({5, 2}), "");
    EXPECT_EQ(
        std::get<std::vector<std::int32_t>>(properties(machine_path("web"), machine_interface).at("NetworkInterfaces")),
        (std::vector<std::int32_t>{2, 5}));
}

TEST_F(Registering, TakesNamedValuesAndAPidfd) {
    const Leader leader;
    const auto held = Pidfd::open(leader.pid());
    const Options options{{"Service", std::string{"mine"}},
                          {"Class", std::string{"vm"}},
                          {"LeaderPIDFD", borrowed(held->descriptor().get())},
                          {"VSockCID", std::uint32_t{7}},
                          {"SSHAddress", std::string{"vsock/7"}},
                          {"SSHPrivateKeyPath", std::string{"/run/key"}}};

    EXPECT_EQ(manager("RegisterMachineEx", std::string{"vm"}, options).error, "");

    const auto all = properties(machine_path("vm"), machine_interface);
    EXPECT_EQ(std::get<std::uint32_t>(all.at("Leader")), leader.number());
    EXPECT_EQ(std::get<std::uint32_t>(all.at("VSockCID")), 7U);
    const Outcome ssh = machine("vm", "GetSSHInfo");
    EXPECT_EQ(ssh.take<std::string>(), "vsock/7");
    EXPECT_EQ(ssh.take<std::string>(), "/run/key");
}

TEST_F(Registering, RefusesNamedValuesWithoutMeaning) {
    const Leader leader;
    int sockets[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    const UniqueFd one{sockets[0]};
    const UniqueFd two{sockets[1]};
    const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    const auto refused = [&](const Options& options) {
        return manager("RegisterMachineEx", std::string{"web"}, options).error;
    };
    EXPECT_EQ(refused({{"Color", std::string{"red"}}}), invalid);
    EXPECT_EQ(refused({{"Class", std::uint32_t{3}}}), invalid);
    EXPECT_EQ(refused({{"LeaderPIDFD", borrowed(null.get())}}), invalid);
    EXPECT_EQ(refused({{"LeaderPIDFD", borrowed(one.get())}}), invalid);
    EXPECT_EQ(refused({{"LeaderPIDFD", leader.number()}}), invalid);
    EXPECT_EQ(refused({{"LeaderPID", leader.number()}}), invalid);
    EXPECT_EQ(refused({{"LeaderPIDFDID", std::uint64_t{5}}}), invalid);
    EXPECT_EQ(refused({{"LeaderPID", leader.number()}, {"LeaderPIDFDID", std::uint64_t{5}}}), invalid);
    EXPECT_THAT(names(), ElementsAre(".host"));
}

TEST_F(Registering, LetsGoOfAMachineWhoseProcessesGoOn) {
    listen();
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_EQ(manager("UnregisterMachine", std::string{"web"}).error, "");

    EXPECT_TRUE(until([&] { return saw("MachineRemoved", "web"); }));
    EXPECT_EQ(::kill(leader.pid(), 0), 0);
    EXPECT_FALSE(std::filesystem::exists(state_file("web")));
    EXPECT_EQ(manager("UnregisterMachine", std::string{"web"}).error, "org.freedesktop.machine1.NoSuchMachine");
}

TEST_F(Creating, AnswersWhenTheScopeIsThere) {
    listen();
    const Leader leader;
    systemd.holds_jobs = true;
    const auto pending = begin(*root, "CreateMachine", creation("web", leader.number()));
    ASSERT_TRUE(until([&] { return systemd.scopes.contains("machine-web.scope"); }));

    EXPECT_EQ(property(machine_path("web"), machine_interface, "State").take<Variant>(),
              Variant{std::string{"opening"}});
    EXPECT_FALSE(pending->has_value());
    EXPECT_FALSE(saw("MachineNew", "web"));
    systemd.finish_jobs();

    ASSERT_TRUE(until([&] { return pending->has_value(); }));
    EXPECT_EQ((*pending)->take<ObjectPath>().text, machine_path("web"));
    EXPECT_TRUE(until([&] { return saw("MachineNew", "web"); }));
    EXPECT_EQ(property(machine_path("web"), machine_interface, "State").take<Variant>(),
              Variant{std::string{"running"}});
}

TEST_F(Creating, AsksForADelegatedScopeWithTheLeaderInIt) {
    const Leader leader;

    (void)call_at(
        *root, manager_path, manager_interface, "CreateMachine",
        creation("my-web", leader.number(),
                 {{"MemoryMax", std::uint64_t{1U << 30U}}, {"Before", std::vector<std::string>{"x.target"}}}));

    ASSERT_TRUE(systemd.scopes.contains("machine-my\\x2dweb.scope"));
    const auto& scope = systemd.scopes.at("machine-my\\x2dweb.scope");
    EXPECT_THAT(scope.processes, ElementsAre(leader.pid()));
    EXPECT_EQ(scope.properties.at("Slice"), Variant{std::string{"machine.slice"}});
    EXPECT_EQ(scope.properties.at("Delegate"), Variant{true});
    EXPECT_EQ(scope.properties.at("CollectMode"), Variant{std::string{"inactive-or-failed"}});
    EXPECT_EQ(scope.properties.at("TasksMax"), Variant{std::uint64_t{16384}});
    EXPECT_EQ(scope.properties.at("Description"), Variant{std::string{"Container my-web"}});
    EXPECT_EQ(scope.properties.at("MemoryMax"), Variant{std::uint64_t{1U << 30U}});
    EXPECT_EQ(scope.properties.at("Before"), Variant{std::vector<std::string>{"x.target"}});
}

TEST_F(Creating, LinksTheUnitToTheMachine) {
    Leader leader;
    (void)create_machine("web", leader.number());

    const auto link = state_directory / "unit:machine-web.scope";
    EXPECT_EQ(std::filesystem::read_symlink(link), "web");
    EXPECT_THAT(read_file(state_file("web")), HasSubstr("SCOPE=machine-web.scope\n"));
    leader.end();
    EXPECT_TRUE(until([&] { return !std::filesystem::exists(std::filesystem::symlink_status(link)); }));
}

TEST_F(Creating, GivesNumbersToASystemdThatKnowsNoPidfds) {
    const Leader one;
    const Leader two;
    systemd.is_old = true;

    EXPECT_EQ(create_machine("one", one.number()).error, "");
    EXPECT_EQ(create_machine("two", two.number()).error, "");

    EXPECT_THAT(systemd.scopes.at("machine-two.scope").processes, ElementsAre(two.pid()));
}

TEST_F(Creating, MissesNoJobThatEndsBeforeItIsNamed) {
    const Leader leader;
    systemd.is_hasty = true;

    EXPECT_EQ(create_machine("web", leader.number()).error, "");
}

TEST_F(Creating, TakesOverFromTheScopeOfADeadMachine) {
    const Leader leader;
    systemd.failed.insert("machine-web.scope");

    EXPECT_EQ(create_machine("web", leader.number()).error, "");
}

TEST_F(Creating, LeavesNothingWhenTheScopeCannotBeHad) {
    const Leader leader;
    systemd.refuse_start = {"org.freedesktop.DBus.Error.InvalidArgs", "Slice is no slice"};

    const Outcome refused = create_machine("web", leader.number());

    EXPECT_EQ(refused.error, invalid);
    EXPECT_THAT(refused.sentence, HasSubstr("Slice is no slice"));
    EXPECT_THAT(names(), ElementsAre(".host"));
    EXPECT_FALSE(std::filesystem::exists(state_file("web")));
}

TEST_F(Creating, LeavesNothingWhenTheJobFails) {
    listen();
    const Leader leader;
    systemd.result = "failed";

    EXPECT_EQ(create_machine("web", leader.number()).error, "System.Error.EBUSY");

    EXPECT_THAT(names(), ElementsAre(".host"));
    EXPECT_FALSE(saw("MachineNew", "web"));
}

TEST_F(Creating, FailsWhenTheLeaderEndsMeanwhile) {
    Leader leader;
    systemd.holds_jobs = true;
    const auto pending = begin(*root, "CreateMachine", creation("web", leader.number()));
    ASSERT_TRUE(until([&] { return !systemd.scopes.empty(); }));

    leader.end();
    ASSERT_TRUE(until([&] { return names().size() == 1; }));
    systemd.finish_jobs();

    ASSERT_TRUE(until([&] { return pending->has_value(); }));
    EXPECT_EQ((*pending)->error, "org.freedesktop.machine1.NoSuchMachine");
}

TEST_F(Creating, GoesOnWhenItsCallerVanishes) {
    const Leader leader;
    systemd.holds_jobs = true;
    auto caller = bus.connect(loop);
    (void)begin(*caller, "CreateMachine", creation("web", leader.number()));
    ASSERT_TRUE(until([&] { return !systemd.scopes.empty(); }));

    caller.reset();
    systemd.finish_jobs();

    EXPECT_TRUE(until([&] {
        return property(machine_path("web"), machine_interface, "State").take<Variant>() ==
               Variant{std::string{"running"}};
    }));
}

} // namespace machinist::testing
