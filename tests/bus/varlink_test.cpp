// SPDX-License-Identifier: LGPL-2.1-or-later
#include "over_varlink.hpp"
#include "varlink_descriptions.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::string> methods_of(std::string_view description) {
    std::vector<std::string> methods;
    std::istringstream lines{std::string{description}};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("method "))
            methods.push_back(line.substr(7, line.find('(') - 7));
    return methods;
}

constexpr const char* no_such_machine = "io.systemd.Machine.NoSuchMachine";
constexpr const char* invalid_parameter = "org.varlink.service.InvalidParameter";
constexpr const char* denied = "org.varlink.service.PermissionDenied";

json registering(const std::string& name, std::uint32_t leader) {
    return {{"name", name}, {"class", "container"}, {"service", "test"}, {"leader", leader}};
}

} // namespace

TEST_F(OverVarlink, TheServiceSaysWhatItIs) {
    auto client = connect();
    ASSERT_TRUE(client.connected());

    const auto info = client.call("org.varlink.service.GetInfo").at("parameters");

    EXPECT_THAT(info.at("interfaces"), Contains("io.systemd.Machine"));
    EXPECT_THAT(info.at("interfaces"), Contains("io.systemd.MachineImage"));
    const auto description =
        client.call("org.varlink.service.GetInterfaceDescription", {{"interface", "io.systemd.Machine"}});
    EXPECT_THAT(description.at("parameters").at("description").get<std::string>(), HasSubstr("method Register("));
    EXPECT_EQ(error_of(client.call("org.varlink.service.GetInterfaceDescription", {{"interface", "x"}})),
              "org.varlink.service.InterfaceNotFound");
    EXPECT_EQ(error_of(client.call("org.varlink.nothing.GetInfo")), "org.varlink.service.InterfaceNotFound");
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Nothing")), "org.varlink.service.MethodNotFound");
    EXPECT_EQ(error_of(client.call("io.systemd.service.Ping")), "");
}

TEST_F(OverVarlink, EveryMethodThatIsDescribedIsServed) {
    auto client = connect();

    for (const auto& [interface, text] : contract::varlink_descriptions)
        for (const std::string& method : methods_of(text)) {
            const std::string name = std::string{interface} + "." + method;
            const auto answer = client.call(name, {{"name", "web"}, {"nonsense", true}});
            EXPECT_EQ(error_of(answer), invalid_parameter) << name;
        }
}

TEST_F(OverVarlink, MachinesAreRegisteredListedAndForgotten) {
    auto client = connect();
    json wanted = registering("web", leader.number());
    wanted["id"] = std::string(32, 'a');
    wanted["controlAddress"] = "/run/control";
    wanted["rootDirectory"] = "/srv/web";

    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Register", wanted)), "");
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Register", wanted)), "io.systemd.Machine.MachineExists");

    const auto row = client.call("io.systemd.Machine.List", {{"name", "web"}}).at("parameters");
    EXPECT_EQ(row.at("class"), "container");
    EXPECT_EQ(row.at("service"), "test");
    EXPECT_EQ(row.at("id"), std::string(32, 'a'));
    EXPECT_EQ(row.at("leader").at("pid"), leader.number());
    EXPECT_EQ(row.at("supervisor").at("pid"), ::getpid());
    EXPECT_EQ(row.at("controlAddress"), "/run/control");
    EXPECT_EQ(row.at("UID"), 0);
    const auto same = client.call("io.systemd.Machine.List", {{"pid", {{"pid", leader.number()}}}});
    EXPECT_EQ(same.at("parameters").at("name"), "web");
    EXPECT_THAT(names(), Contains("web"));
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Unregister", {{"name", "web"}})), "");
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.List", {{"name", "web"}})), no_such_machine);
    EXPECT_EQ(::kill(leader.pid(), 0), 0);
}

TEST_F(OverVarlink, AMachineGetsAScopeOnDemand) {
    auto client = connect();
    json wanted = registering("web", leader.number());
    wanted["allocateUnit"] = true;

    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Register", wanted)), "");

    EXPECT_TRUE(systemd.scopes.contains("machine-web.scope"));
    EXPECT_EQ(client.call("io.systemd.Machine.List", {{"name", "web"}}).at("parameters").at("unit"),
              "machine-web.scope");
}

TEST_F(OverVarlink, AllMachinesAreListedForThoseWhoWantMore) {
    const Leader second;
    (void)register_machine("one", leader.number());
    (void)register_machine("two", second.number());
    auto client = connect();

    EXPECT_EQ(error_of(client.call("io.systemd.Machine.List")), "org.varlink.service.ExpectedMore");
    std::vector<std::string> listed;
    for (const auto& answer : client.call_more("io.systemd.Machine.List"))
        listed.push_back(answer.at("parameters").at("name"));

    EXPECT_THAT(listed, ElementsAre(".host", "one", "two"));
}

TEST_F(OverVarlink, MachinesAreKilledAndTerminated) {
    (void)create_machine("web", leader.number());
    auto client = connect();

    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Kill", {{"name", "web"}, {"signal", SIGUSR1}})), "");
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Terminate", {{"name", "web"}})), "");
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Terminate", {{"name", "nothing"}})), no_such_machine);

    EXPECT_THAT(systemd.killed, ElementsAre("machine-web.scope  10"));
    EXPECT_THAT(systemd.stopped, ElementsAre("machine-web.scope"));
}

TEST_F(OverVarlink, DescriptorsComeWithTheAnswer) {
    auto client = connect();

    const auto answer = client.call("io.systemd.Machine.OpenRootDirectory", {{"name", ".host"}});

    EXPECT_EQ(answer.at("parameters").at("fileDescriptor"), 0);
    ASSERT_EQ(client.descriptors.size(), 1U);
    struct stat status {};
    ASSERT_EQ(::fstat(client.descriptors[0].get(), &status), 0);
    EXPECT_TRUE(S_ISDIR(status.st_mode));
}

TEST_F(OverVarlink, ImagesAreListedAndChanged) {
    std::filesystem::create_directories(pool() / "web/usr");
    auto client = connect();

    EXPECT_EQ(error_of(client.call("io.systemd.MachineImage.Clone", {{"name", "web"}, {"newName", "copy"}})), "");
    EXPECT_EQ(error_of(client.call("io.systemd.MachineImage.Update", {{"name", "copy"}, {"newName", ".old"}})), "");
    EXPECT_EQ(client.call("io.systemd.MachineImage.List", {{"name", "web"}}).at("parameters").at("readOnly"), false);
    EXPECT_EQ(client.call_more("io.systemd.MachineImage.List", {{"acquireMetadata", "graceful"}}).size(), 3U);
    EXPECT_EQ(
        client.call_more("io.systemd.MachineImage.CleanPool", {{"mode", "hidden"}})[0].at("parameters").at("name"),
        ".old");
    EXPECT_EQ(error_of(client.call("io.systemd.MachineImage.Remove", {{"name", "web"}})), "");
    EXPECT_EQ(error_of(client.call("io.systemd.MachineImage.Remove", {{"name", "web"}})),
              "io.systemd.MachineImage.NoSuchImage");
    EXPECT_EQ(error_of(client.call("io.systemd.MachineImage.SetPoolLimit", {{"limit", 1}})),
              "io.systemd.MachineImage.NotSupported");
}

TEST_F(OverVarlink, WithoutRightsOneMayLookAndNothingElse) {
    (void)create_machine("web", leader.number());
    auto client = connect_as_somebody();
    ASSERT_TRUE(client.connected());

    EXPECT_EQ(error_of(client.call("io.systemd.Machine.List", {{"name", "web"}})), "");
    EXPECT_THAT(polkit.asked, IsEmpty());
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Terminate", {{"name", "web"}})), denied);
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Terminate", {{"name", "nothing"}})), denied);
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Register", registering("x", leader.number()))), denied);
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Open", {{"name", ".host"}, {"mode", "shell"}})), denied);
    EXPECT_EQ(error_of(client.call("io.systemd.MachineImage.Remove", {{"name", "web"}})), denied);
    EXPECT_EQ(error_of(client.call("io.systemd.service.SetLogLevel", {{"level", 7}})), denied);
    EXPECT_EQ(error_of(client.call("io.systemd.service.Reload")), denied);
    EXPECT_THAT(systemd.stopped, IsEmpty());

    ASSERT_FALSE(polkit.asked.empty());
    EXPECT_EQ(polkit.asked[0].caller, "unix-process " + std::to_string(::getpid()));
    EXPECT_EQ(polkit.asked[0].action, "org.freedesktop.machine1.manage-machines");
    EXPECT_THAT(polkit.asked[0].details, Contains(Pair("verb", "terminate")));
    EXPECT_EQ(polkit.asked[3].action, "org.freedesktop.machine1.host-shell");
    polkit.allowed.insert("org.freedesktop.machine1.manage-machines");
    EXPECT_EQ(error_of(client.call("io.systemd.Machine.Terminate", {{"name", "web"}})), "");
}

TEST_F(OverVarlink, WhoLeavesWithdrawsTheQuestion) {
    (void)create_machine("web", leader.number());
    polkit.takes_its_time = true;
    {
        auto client = connect_as_somebody();
        client.send(json{{"method", "io.systemd.Machine.Terminate"},
                         {"parameters", {{"name", "web"}, {"allowInteractiveAuthentication", true}}}});
        ASSERT_TRUE(until([&] { return polkit.asked.size() == 1; }));
        EXPECT_EQ(polkit.asked[0].flags, 1U);
    }

    EXPECT_TRUE(until([&] { return polkit.cancelled.size() == 1; }));
    EXPECT_EQ(polkit.cancelled, std::vector<std::string>{polkit.asked[0].cancellation});
    polkit.decide(true);
    EXPECT_EQ(error_of(connect().call("io.systemd.service.Ping")), "");
    EXPECT_THAT(systemd.stopped, IsEmpty());
}

TEST_F(OverVarlink, ParametersOfOtherTypesAreRefusedByName) {
    auto client = connect();
    const auto refused = [&](const std::string& method, const json& parameters) {
        const auto answer = client.call("io.systemd.Machine." + method, parameters);
        return error_of(answer) == invalid_parameter ? answer.at("parameters").at("parameter").get<std::string>()
                                                     : error_of(answer);
    };

    EXPECT_EQ(refused("Kill", {{"name", 5}, {"signal", 9}}), "name");
    EXPECT_EQ(refused("Kill", {{"name", "web"}, {"signal", "9"}}), "signal");
    EXPECT_EQ(refused("Kill", {{"name", "web"}, {"signal", 1e30}}), "signal");
    EXPECT_EQ(refused("Kill", {{"name", "web"}, {"signal", UINT64_MAX}}), "signal");
    EXPECT_EQ(refused("Kill", {{"name", "web"}, {"signal", 9}, {"whom", "nobody"}}), "whom");
    EXPECT_EQ(refused("List", {{"pid", 5}}), "pid");
    EXPECT_EQ(refused("List", {{"pid", {{"pid", -5}}}}), "pid");
    EXPECT_EQ(refused("List", {{"name", std::string{"a\0b", 3}}}), "name");
    EXPECT_EQ(refused("Register", {{"name", "web"}}), "class");
    EXPECT_EQ(refused("Register", {{"name", "web"}, {"class", "host"}}), "class");
    EXPECT_EQ(refused("Register", {{"name", "web"}, {"class", "vm"}, {"ifIndices", {1, "2"}}}), "ifIndices");
    EXPECT_EQ(refused("Register", {{"name", "web"}, {"class", "vm"}, {"vSockCid", 1ULL << 40U}}), "vSockCid");
    EXPECT_EQ(refused("Open", {{"name", "web"}, {"mode", "tty"}, {"user", "root"}}), "user");
    EXPECT_EQ(refused("Open", {{"name", "web"}, {"mode", "shell"}, {"args", "x"}}), "args");
    EXPECT_EQ(refused("Terminate", {{"name", "web"}, {"more", 1}}), "more");
    EXPECT_EQ(refused("MapTo", json::object()), "uid");
    EXPECT_EQ(refused("MapTo", {{"uid", 0}}), "io.systemd.Machine.UserInHostRange");
    EXPECT_EQ(refused("Register", registering("..", leader.number())), "io.systemd.System");
}

TEST_F(OverVarlink, WhatIsNoCallEndsTheConnection) {
    const std::string nul(1, '\0');
    const std::string deep(100'000, '[');
    for (const std::string& bytes :
         {"nonsense" + nul, nul, "{}" + nul, "[]" + nul, R"({"method":5})" + nul,
          R"({"method":"x","parameters":[]})" + nul, R"({"method":"x","more":"yes"})" + nul,
          R"({"method":"x","upgrade":true})" + nul, deep + nul, R"({"method":")" + std::string(1, '\xff') + "\"}" + nul,
          std::string(1'000'000, 'x')}) {
        auto client = connect();
        ASSERT_TRUE(client.connected());
        client.send(bytes);
        EXPECT_TRUE(client.is_ended()) << bytes.substr(0, 60);
    }
    EXPECT_TRUE(daemon_runs());
    EXPECT_EQ(error_of(connect().call("io.systemd.service.Ping")), "");
}

TEST_F(OverVarlink, CallsMayComeByteByByteOrManyAtOnce) {
    auto client = connect();
    const std::string message = R"({"method":"io.systemd.service.Ping"})" + std::string(1, '\0');
    for (const char letter : message)
        client.send(std::string(1, letter));
    EXPECT_EQ(error_of(client.receive()), "");

    std::string many;
    for (int at = 0; at < 100; ++at)
        many += message;
    client.send(many);
    for (int at = 0; at < 100; ++at)
        ASSERT_EQ(error_of(client.receive()), "") << at;
}

TEST_F(OverVarlink, OneWayCallsAreDoneAndNotAnswered) {
    (void)create_machine("web", leader.number());
    auto client = connect();

    client.send(json{{"method", "io.systemd.Machine.Terminate"}, {"parameters", {{"name", "web"}}}, {"oneway", true}});

    EXPECT_EQ(error_of(client.call("io.systemd.service.Ping")), "");
    EXPECT_THAT(systemd.stopped, ElementsAre("machine-web.scope"));
}

TEST_F(OverVarlink, WhoLeavesOrNeverReadsHarmsNobody) {
    for (int round = 0; round < 200; ++round) {
        auto client = connect();
        client.send(json{{"method", "io.systemd.Machine.List"}, {"more", true}});
    }
    auto lazy = connect();
    for (int round = 0; round < 1000; ++round)
        lazy.send(
            R"({"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.systemd.Machine"}})" +
            std::string(1, '\0'));
    EXPECT_EQ(error_of(connect().call("io.systemd.service.Ping")), "");
    EXPECT_TRUE(daemon_runs());
}

TEST_F(OverVarlink, TheSocketGoesWithTheService) {
    EXPECT_TRUE(std::filesystem::is_symlink(bus.directory() / "run/varlink/registry/io.systemd.Machine"));
    kill_daemon(SIGTERM);
    EXPECT_FALSE(std::filesystem::exists(socket_path()));
    EXPECT_FALSE(std::filesystem::is_symlink(bus.directory() / "run/varlink/registry/io.systemd.Machine"));
    start_daemon();
    kill_daemon(SIGKILL);
    start_daemon();
    EXPECT_EQ(error_of(connect().call("io.systemd.service.Ping")), "");
}

TEST_F(OverVarlink, TheLogLevelIsChangedByRoot) {
    auto client = connect();
    constexpr const char* path = "/org/freedesktop/LogControl1";
    constexpr const char* interface = "org.freedesktop.LogControl1";
    const auto set = [&](Connection& caller, const char* name, const std::string& value) {
        return call_at(caller, path, "org.freedesktop.DBus.Properties", "Set",
                       filling(std::string{interface}, std::string{name}, Variant{value}))
            .error;
    };

    EXPECT_EQ(set(*root, "LogLevel", "debug"), "");
    EXPECT_EQ(client.call("io.systemd.service.GetLogLevel").at("parameters").at("level"), 7);
    EXPECT_EQ(error_of(client.call("io.systemd.service.SetLogLevel", {{"level", 4}})), "");
    EXPECT_EQ(property(path, interface, "LogLevel").take<Variant>(), Variant{std::string{"warning"}});
    EXPECT_EQ(property(path, interface, "SyslogIdentifier").take<Variant>(), Variant{std::string{"machinistd"}});
    EXPECT_EQ(set(*root, "LogTarget", "null"), "");
    EXPECT_EQ(property(path, interface, "LogTarget").take<Variant>(), Variant{std::string{"null"}});
    EXPECT_EQ(set(*root, "LogTarget", "moon"), "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(set(*root, "LogLevel", "loud"), "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(set(somebody_else(), "LogLevel", "debug"), "org.freedesktop.DBus.Error.AccessDenied");
}

} // namespace machinist::testing
