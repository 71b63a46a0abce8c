// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface B: the environment variables of process 1.
#include "namespaces/container_interface.hpp"

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSubsetOf;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

namespace {

class TheFirstEnvironment : public TheContainerInterface {
protected:
    std::map<std::string, std::string> environment() {
        std::map<std::string, std::string> variables;
        for (const std::string& line : words_of(ask("env"), '\n'))
            variables[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
        return variables;
    }
    static std::vector<std::string> names_of(const std::map<std::string, std::string>& variables) {
        std::vector<std::string> names;
        for (const auto& [name, value] : variables)
            names.push_back(name);
        return names;
    }
};

std::string host_os_release_field(const std::string& key) {
    for (std::string line : words_of(of_host("/etc/os-release"), '\n'))
        if (line.starts_with(key + "=")) {
            line.erase(0, key.size() + 1);
            std::erase(line, '"');
            return line;
        }
    return {};
}

} // namespace

EVERY_WAY(TheFirstEnvironment);

TEST_P(TheFirstEnvironment, B1_NamesTheManager) {
    boot();

    EXPECT_EQ(ask("getenv container"), "systemd-nspawn");
}

TEST_P(TheFirstEnvironment, B1_NamesTheManagerThatTheCallerPretendsToBe) {
    Start start = as_this_way();
    start.environment = {"SYSTEMD_NSPAWN_CONTAINER_SERVICE=other-manager"};
    this->start(start);

    EXPECT_EQ(ask("getenv container"), "other-manager");
    EXPECT_EQ(ask("cat /run/host/container-manager"), "other-manager\n");
}

TEST_P(TheFirstEnvironment, B2_HasTheMachinesId) {
    boot();

    EXPECT_THAT(ask("getenv container_uuid"), MatchesRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
}

TEST_P(TheFirstEnvironment, B2_HasTheIdThatWasAskedFor) {
    boot({"--uuid=6f3ab12a-3c4d-4e5f-8a9b-0c1d2e3f4a5b"});

    EXPECT_EQ(ask("getenv container_uuid"), "6f3ab12a-3c4d-4e5f-8a9b-0c1d2e3f4a5b");
}

TEST_P(TheFirstEnvironment, B4_HasTheIdFieldsOfTheHostsOsRelease) {
    boot();

    for (const char* key : {"ID", "VERSION_ID", "BUILD_ID", "VARIANT_ID"}) {
        std::string variable = "container_host_" + std::string{key};
        std::ranges::transform(variable, variable.begin(), [](unsigned char letter) { return std::tolower(letter); });
        const std::string expected = host_os_release_field(key);
        EXPECT_EQ(ask("getenv " + variable), expected.empty() ? "!unset" : expected) << variable;
    }
}

TEST_P(TheFirstEnvironment, B5_LeadsToTheCredentialsIfThereAreAny) {
    boot({"--set-credential=secret:value"});

    EXPECT_EQ(ask("getenv CREDENTIALS_DIRECTORY"), "/run/host/credentials");
}

TEST_P(TheFirstEnvironment, B5_HasNoCredentialsDirectoryWithoutCredentials) {
    boot();

    EXPECT_EQ(ask("getenv CREDENTIALS_DIRECTORY"), "!unset");
}

TEST_P(TheFirstEnvironment, B6_LeadsToTheNotifySocket) {
    boot();

    EXPECT_EQ(ask("getenv NOTIFY_SOCKET"), "/run/host/notify");
    EXPECT_THAT(ask("stat /run/host/notify"), StartsWith("sock"));
}

TEST_P(TheFirstEnvironment, B7_HandsOnSocketsOfSocketActivation) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    Start start = as_this_way();
    start.extra_descriptor = ends[1];
    // The number of the process that reads this is not known before it exists, so a shell sets it.
    const Path caller = tree.workplace().file(
        "activated", "#!/bin/sh\nLISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=web exec \"$@\"\n", 0755);
    std::vector<std::string> arguments{
        MACHINIST_PROGRAM,           "run", "--quiet", "--console=pipe", "--directory=" + tree.path().string(),
        "--machine=" + unused_name()};
    arguments.insert(arguments.end(), start.options.begin(), start.options.end());
    arguments.insert(arguments.end(), {"/probe", "--ask", "run", "/probe", "--ask", "env"});
    ProgramOptions options;
    options.extra_descriptor = ends[1];
    options.input = "";
    const Outcome seen = run(caller, arguments, options);
    ::close(ends[0]);
    ::close(ends[1]);

    EXPECT_THAT(seen.output, AllOf(HasSubstr("LISTEN_FDS=1\n"), HasSubstr("LISTEN_PID=1\n"))) << seen.errors;
    EXPECT_THAT(seen.output, Not(HasSubstr("LISTEN_FDNAMES")));
}

TEST_P(TheFirstEnvironment, B8_TerminalIsDumbInAPipe) {
    boot();

    EXPECT_EQ(ask("getenv TERM"), "dumb");
}

TEST_P(TheFirstEnvironment, B8_TerminalIsTheCallersOnATerminal) {
    Start start = as_this_way({"--console=interactive", "--background="}, {"/probe", "--ask", "getenv", "TERM"});
    start.pipe = false;
    start.on_terminal = true;
    start.environment = {"SYSTEMD_ADJUST_TERMINAL_TITLE=0"};

    EXPECT_THAT(this->start(start).program().output_until("vt220", 10s), HasSubstr("vt220"));
}

TEST_P(TheFirstEnvironment, B9_HoldsNothingOfTheCallers) {
    Start start = as_this_way();
    start.environment = {
        "SECRET_OF_THE_CALLER=1",   "LC_ALL=de_DE.UTF-8", "FDSTORE=1",         "MEMORY_PRESSURE_WATCH=/x",
        "SSH_AUTH_SOCK=/run/agent", "FAULT_AT=",          "INVOCATION_ID=0123"};
    this->start(start);

    EXPECT_THAT(names_of(environment()),
                IsSubsetOf({"PATH", "container", "TERM", "HOME", "USER", "LOGNAME", "container_uuid", "NOTIFY_SOCKET",
                            "LANG", "container_host_id", "container_host_version_id", "container_host_build_id",
                            "container_host_variant_id"}));
    EXPECT_EQ(ask("getenv HOME"), "/root");
    EXPECT_EQ(ask("getenv USER"), "root");
    EXPECT_EQ(ask("getenv LOGNAME"), "root");
    EXPECT_EQ(ask("getenv PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

TEST_P(TheFirstEnvironment, B9_HasALanguageForCommandsAndNoneForInit) {
    boot();
    EXPECT_EQ(ask("getenv LANG"), "C.UTF-8");
    end_machine();

    boot({"--boot"}, {});
    EXPECT_EQ(ask("getenv LANG"), "!unset");
}

TEST_P(TheFirstEnvironment, B10_WordsBehindBootAreVariablesOrArguments) {
    boot({"--boot"}, {"plain", "systemd.unit=rescue.target", "answer=42", "log-level=debug", "=x", "123=y"});

    EXPECT_EQ(ask("getenv answer"), "42");
    EXPECT_EQ(ask("getenv log_level"), "debug");
    EXPECT_THAT(words_of(ask("arguments"), '\n'),
                testing::ElementsAre(testing::_, "plain", "systemd.unit=rescue.target", "=x", "123=y"));
}

TEST_P(TheFirstEnvironment, IsOverriddenByTheCaller) {
    Start start = as_this_way({"--setenv=HOME=/elsewhere", "-E", "TAKEN", "--setenv=GIVEN=a=b c", "-ENOT_THERE"});
    start.environment = {"TAKEN=from the caller"};
    this->start(start);

    EXPECT_EQ(ask("getenv HOME"), "/elsewhere");
    EXPECT_EQ(ask("getenv TAKEN"), "from the caller");
    EXPECT_EQ(ask("getenv GIVEN"), "a=b c");
    EXPECT_EQ(ask("getenv NOT_THERE"), "!unset");
}

} // namespace machinist::test
