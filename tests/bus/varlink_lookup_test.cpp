// SPDX-License-Identifier: LGPL-2.1-or-later
// Users and host names of machines, as nss-systemd and systemd-resolved ask for them.
#include "inhabited_machine.hpp"
#include "over_varlink.hpp"
#include "user_leader.hpp"

#include "base/base64.hpp"
#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"

#include <gmock/gmock.h>

namespace machinist::testing {

namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* no_record = "io.systemd.UserDatabase.NoRecordFound";
constexpr std::uint32_t first_user = 700'000;
constexpr std::uint32_t first_group = 800'000;

class UsersOfMachines : public OverVarlink {
protected:
    void SetUp() override {
        ASSERT_EQ(register_machine("my-web", users.number()).error, "");
        ASSERT_EQ(register_machine("plain", leader.number()).error, "");
    }
    json ask(const std::string& method, json parameters) {
        if (!parameters.contains("service"))
            parameters["service"] = "io.systemd.Machine";
        auto client = connect_to(bus.directory() / "run/systemd/userdb/io.systemd.Machine");
        EXPECT_TRUE(client.connected());
        return client.call("io.systemd.UserDatabase." + method, parameters);
    }
    json record(const std::string& method, const json& parameters) {
        const json answer = ask(method, parameters);
        EXPECT_EQ(error_of(answer), "") << parameters;
        return answer.at("parameters").value("record", json::object());
    }

    UserLeader users{first_user, first_group};
};

class NamesOfMachines : public OverVarlink {
protected:
    VarlinkClient connect_to_hook() {
        return connect_to(bus.directory() / "run/systemd/resolve.hook/io.systemd.Machine");
    }
    static json question(const std::string& name, int type) {
        return {{"key", {{"class", 1}, {"type", type}, {"name", name}}}};
    }
    json resolve_all(const json& questions) {
        json answer = connect_to_hook().call("io.systemd.Resolve.Hook.ResolveRecord", {{"question", questions}});
        return answer.contains("error") ? answer : answer.at("parameters");
    }
    json resolve(const std::string& name, int type) {
        return resolve_all(json::array({question(name, type)}));
    }
    static json listening() {
        return {{"method", "io.systemd.Resolve.Hook.QueryFilter"}, {"more", true}};
    }

    InhabitedMachine web{"ID=debian\n", "10.9.8.7"};
};

} // namespace

TEST_F(UsersOfMachines, HaveNamesOnTheHost) {
    const json by_id = record("GetUserRecord", {{"uid", first_user + 33}});

    EXPECT_EQ(by_id.at("userName"), "vu-my-web-33");
    EXPECT_EQ(by_id.at("uid"), first_user + 33);
    EXPECT_EQ(by_id.at("gid"), 65534);
    EXPECT_EQ(by_id.at("realName"), "UID 33 of Container my-web");
    EXPECT_EQ(by_id.at("disposition"), "container");
    EXPECT_EQ(by_id.at("locked"), true);
    EXPECT_EQ(record("GetUserRecord", {{"userName", "vu-my-web-33"}}), by_id);
    EXPECT_EQ(record("GetUserRecord", {{"userName", "vu-my-web-33"}, {"uid", first_user + 33}}), by_id);
    const json group = record("GetGroupRecord", {{"gid", first_group}});
    EXPECT_EQ(group.at("groupName"), "vg-my-web-0");
    EXPECT_EQ(group.at("gid"), first_group);
    EXPECT_EQ(record("GetGroupRecord", {{"groupName", "vg-my-web-0"}}), group);
}

TEST_F(UsersOfMachines, AreThoseOfMachinesWithUsersOfTheirOwnOnly) {
    for (const json& wanted :
         {json{{"uid", 0}}, json{{"uid", 1000}}, json{{"uid", first_user - 1}}, json{{"uid", first_user + 65536}},
          json{{"uid", UINT64_MAX}}, json{{"userName", "root"}}, json{{"userName", "vu-plain-0"}},
          json{{"userName", "vu-nosuch-0"}}, json{{"userName", "vu-my-web-65536"}}, json{{"userName", "vu-my-web-"}},
          json{{"userName", "vu-my-web-033"}}, json{{"userName", "vu-my-web-+3"}}, json{{"userName", "vu--0"}},
          json{{"userName", "vu-0"}}, json{{"userName", "vu-"}}, json{{"userName", "vg-my-web-0"}},
          json{{"userName", "vu-.host-0"}}, json{{"userName", ""}}})
        EXPECT_EQ(error_of(ask("GetUserRecord", wanted)), no_record) << wanted;
    EXPECT_EQ(error_of(ask("GetGroupRecord", {{"gid", first_user}})), no_record);
    EXPECT_EQ(error_of(ask("GetMemberships", {{"userName", "vu-my-web-0"}})), no_record);
}

TEST_F(UsersOfMachines, AreFoundByWhatFitsOnly) {
    const std::string prefix = "io.systemd.UserDatabase.";

    EXPECT_EQ(error_of(ask("GetUserRecord", json::object())), prefix + "EnumerationNotSupported");
    EXPECT_EQ(error_of(ask("GetUserRecord", {{"uid", first_user}, {"service", "io.systemd.Home"}})),
              prefix + "BadService");
    EXPECT_EQ(error_of(ask("GetUserRecord", {{"uid", first_user}, {"userName", "vu-my-web-1"}})),
              prefix + "ConflictingRecordFound");
    EXPECT_EQ(error_of(ask("GetUserRecord", {{"uid", first_user}, {"uidMin", first_user + 1}})),
              prefix + "NonMatchingRecordFound");
    EXPECT_EQ(error_of(ask("GetUserRecord", {{"uid", first_user}, {"dispositionMask", {"regular"}}})),
              prefix + "NonMatchingRecordFound");
    EXPECT_EQ(error_of(ask("GetUserRecord", {{"uid", "0"}})), "org.varlink.service.InvalidParameter");
    EXPECT_EQ(error_of(ask("GetUserRecord", {{"uid", first_user}, {"service", 5}})),
              "org.varlink.service.InvalidParameter");
}

TEST_F(NamesOfMachines, HaveTheirAddresses) {
    ASSERT_EQ(register_machine("web", web.number()).error, "");

    const json found = resolve_all(json::array({question("web", 1), question("web", 28)}));

    EXPECT_EQ(found.at("rcode"), 0);
    ASSERT_EQ(found.at("answer").size(), 1U);
    const json& record = found.at("answer")[0].at("rr");
    EXPECT_EQ(record.at("key"), (json{{"class", 1}, {"type", 1}, {"name", "web"}}));
    EXPECT_EQ(record.at("address"), json::array({10, 9, 8, 7}));
    using std::string_literals::operator""s;
    EXPECT_EQ(from_base64(found.at("answer")[0].at("raw").get<std::string>()),
              "\3web\0\0\1\0\1\0\0\0\0\0\4\12\11\10\7"s);
    EXPECT_EQ(resolve("WEB.", 255).at("answer").size(), 1U);
    // It is there, and has nothing of that kind.
    EXPECT_EQ(resolve("web", 15), (json{{"rcode", 0}, {"answer", json::array()}}));
    EXPECT_EQ(resolve("below.web", 1), (json{{"rcode", 3}}));
}

TEST_F(NamesOfMachines, AreNobodyElses) {
    (void)register_machine("web", web.number());
    (void)register_machine("plain", leader.number());

    for (const char* name : {"example.org", "webs", "web.example.org", ".host", "", "."})
        EXPECT_EQ(resolve(name, 1), json::object()) << name;
    // Without a network of its own it has no address that is its own.
    EXPECT_EQ(resolve("plain", 1), json::object());
}

TEST_F(NamesOfMachines, AreAskedForInQuestions) {
    const char* invalid = "org.varlink.service.InvalidParameter";
    for (const json& wrong : {json::array(), json::array({5}), json::array({json::object()}),
                              json::array({question("a", 1), question("b", 1)}),
                              json::array({question(std::string(300, 'a'), 1)}), json::array({question("a", 70'000)}),
                              json(17, question("a", 1)), json::array({json::object({{"key", {{"name", "web"}}}})}),
                              json::array({json::object({{"key", {{"type", 1}}}})})})
        EXPECT_EQ(error_of(resolve_all(wrong)), invalid) << wrong.dump().substr(0, 80);
    EXPECT_EQ(error_of(connect_to_hook().call("io.systemd.Resolve.Hook.QueryFilter")),
              "org.varlink.service.ExpectedMore");
}

TEST_F(NamesOfMachines, AreToldWheneverTheyChange) {
    auto hook = connect_to_hook();
    const auto names = [&] { return hook.receive().at("parameters").at("filterDomains"); };

    hook.send(listening());
    EXPECT_EQ(names(), json::array());
    ASSERT_EQ(register_machine("web", web.number()).error, "");
    EXPECT_EQ(names(), json::array({"web"}));
    ASSERT_EQ(
        call_at(*root, manager_path, manager_interface, "RegisterMachine", registration("vm", leader.number(), "vm"))
            .error,
        "");
    EXPECT_EQ(names(), json::array({"web"}));
    ASSERT_EQ(manager("UnregisterMachine", std::string{"web"}).error, "");
    EXPECT_EQ(names(), json::array());
}

TEST_F(NamesOfMachines, AreToldToAFewOfEachUser) {
    std::vector<VarlinkClient> listeners;
    for (int at = 0; at < 4; ++at) {
        listeners.push_back(connect_to_hook());
        listeners.back().send(listening());
        EXPECT_EQ(error_of(listeners.back().receive()), "");
    }
    auto last = connect_to_hook();
    last.send(listening());
    EXPECT_EQ(error_of(last.receive()), "io.systemd.System");

    listeners.pop_back();

    EXPECT_TRUE(until([&] {
        last.send(listening());
        return error_of(last.receive()).empty();
    }));
}

TEST_F(NamesOfMachines, KeepTheServiceFromNothing) {
    kill_daemon(SIGTERM);
    start_daemon({"--idle-exit=1"});
    auto hook = connect_to_hook();
    hook.send(listening());
    EXPECT_EQ(error_of(hook.receive()), "");

    EXPECT_EQ(daemon_ends(), 0);
}

TEST_F(OverVarlink, MachinesOfWhomNobodyToldAreFoundOnDemand) {
    MachineRecord record;
    record.name = *MachineName::parse("late");
    record.leader = leader.pid();
    record.leader_pidfd_id = Pidfd::open(leader.pid())->inode();
    // Made where no event tells of it, and linked there.
    write_atomically(bus.directory() / "late", write_machine_record(record), 0644);
    std::filesystem::create_hard_link(bus.directory() / "late", state_file("late"));
    EXPECT_THAT(names(), ElementsAre(".host"));

    EXPECT_EQ(error_of(connect().call("io.systemd.service.Reload")), "");

    EXPECT_THAT(names(), ElementsAre(".host", "late"));
}

} // namespace machinist::testing
