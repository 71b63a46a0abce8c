// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include <csignal>
#include <gmock/gmock.h>

namespace machinist::testing {

namespace {

class TheNamesOnTheBus : public AService {
protected:
    std::string owner_of(const std::string& name) {
        const Outcome outcome =
            call_at(*root, "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", filling(name));
        return outcome.error.empty() ? outcome.take<std::string>() : "";
    }
    bool is_provider() {
        return std::get<bool>(property(manager_path, "io.machinist.Manager1", "Provider").take<Variant>());
    }
};

} // namespace

TEST_F(TheNamesOnTheBus, AreOursAndThatOfMachined) {
    EXPECT_NE(owner_of("io.machinist"), "");
    EXPECT_EQ(owner_of("io.machinist"), owner_of("org.freedesktop.machine1"));
    EXPECT_TRUE(is_provider());
}

TEST_F(TheNamesOnTheBus, AreLeftToAnotherProviderUntilItGoes) {
    kill_daemon(SIGTERM);
    auto machined = bus.connect(loop);
    ASSERT_TRUE(machined->take_name("org.freedesktop.machine1", false));

    start_daemon();

    EXPECT_FALSE(is_provider());
    EXPECT_EQ(manager("ListMachines").error, "");
    machined.reset();
    EXPECT_TRUE(until([&] { return is_provider(); }));
    EXPECT_EQ(owner_of("io.machinist"), owner_of("org.freedesktop.machine1"));
}

TEST_F(TheNamesOnTheBus, HideNoMachineFromTheOtherProvider) {
    constexpr Member members[] = {
        {.kind = MemberKind::method, .name = "RegisterMachineWithNetwork", .in = "sayssusai", .out = "o"},
        {.kind = MemberKind::method, .name = "UnregisterMachine", .in = "s"},
    };
    const InterfaceContract contract{manager_interface, members};
    kill_daemon(SIGTERM);
    auto machined = bus.connect(loop);
    auto interface = std::make_unique<ServedInterface>(contract);
    std::vector<std::string> told;
    interface->method("RegisterMachineWithNetwork", [&](const Call& call) {
        told.push_back("register " + call.take<std::string>());
        call.reply(ObjectPath{"/"});
    });
    interface->method("UnregisterMachine", [&](const Call& call) {
        told.push_back("unregister " + call.take<std::string>());
        call.reply();
    });
    interface->serve_at(machined->raw(), manager_path);
    ASSERT_TRUE(machined->take_name("org.freedesktop.machine1", false));
    start_daemon();
    const Leader one;
    const Leader two;

    (void)register_machine("one", one.number());
    (void)create_machine("two", two.number());
    (void)manager("UnregisterMachine", std::string{"one"});

    EXPECT_TRUE(until([&] { return told.size() == 3; }));
    EXPECT_EQ(told, (std::vector<std::string>{"register one", "register two", "unregister one"}));
    EXPECT_FALSE(std::filesystem::exists(state_file("two"))) << "that directory is the other's";
    interface.reset();
    machined.reset();
    EXPECT_TRUE(until([&] { return std::filesystem::exists(state_file("two")); }));
    EXPECT_EQ(names(), (std::vector<std::string>{".host", "two"}));
}

TEST_F(TheNamesOnTheBus, AreNotSharedByTwoServices) {
    const pid_t first = daemon;
    daemon = ::fork();
    if (daemon == 0) {
        ::execl(MACHINISTD, MACHINISTD, ("--state-directory=" + state_directory.string()).c_str(), nullptr);
        ::_exit(127);
    }
    EXPECT_EQ(daemon_ends(), 1);
    daemon = first;
}

TEST_F(TheNamesOnTheBus, AreGivenBackWhenNobodyNeedsTheService) {
    kill_daemon(SIGTERM);
    const auto now = [&] { return owner_of("io.machinist"); };
    start_daemon({"--idle-exit=1"});

    EXPECT_EQ(daemon_ends(), 0);
    EXPECT_EQ(now(), "");
}

TEST_F(TheNamesOnTheBus, AreKeptWhileThereIsAMachine) {
    kill_daemon(SIGTERM);
    start_daemon({"--idle-exit=1"});
    Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_EQ(daemon_ends(2500), std::nullopt);
    leader.end();
    EXPECT_EQ(daemon_ends(), 0);
}

TEST_F(TheNamesOnTheBus, GoWithATermination) {
    ASSERT_EQ(::kill(daemon, SIGTERM), 0);
    EXPECT_EQ(daemon_ends(), 0);
}

} // namespace machinist::testing
