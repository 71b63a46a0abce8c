// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings files and their drop-ins, seen from inside of the machine that they are for.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

namespace {

class SettingsOfAMachine : public AnyContainer {
protected:
    void SetUp() override {
        AnyContainer::SetUp();
        name_ = unused_name();
    }
    void TearDown() override {
        std::error_code ignored;
        fs::remove_all(drop_ins(), ignored);
        AnyContainer::TearDown();
    }

    [[nodiscard]] fs::path drop_ins() const {
        return "/run/systemd/nspawn/" + name_ + ".nspawn.d";
    }
    void write_drop_in(const std::string& name, const std::string& text) const {
        fs::create_directories(drop_ins());
        std::ofstream{drop_ins() / name} << text;
    }
    // Beside the tree.
    void write_file(const std::string& text) {
        tree.workplace().file(name_ + ".nspawn", text);
    }
    void boot(std::vector<std::string> options = {"--settings=trusted"},
              std::vector<std::string> command = {"/probe"}) {
        Start start{.options = std::move(options), .command = std::move(command)};
        start.name = name_;
        this->start(start);
    }
    Outcome refused(std::vector<std::string> options) {
        Start start{.options = std::move(options)};
        start.name = name_;
        return outcome_of(start);
    }

private:
    std::string name_;
};

} // namespace

TEST_F(SettingsOfAMachine, FollowTheOptionSettings) {
    write_file("[Exec]\nHostname=file\n");

    boot({"--settings=trusted", "--hostname=line"});
    EXPECT_EQ(ask("hostname"), "line");
    end_machine();
    boot({"--settings=override", "--hostname=line"});
    EXPECT_EQ(ask("hostname"), "file");
    end_machine();
    boot({"--settings=no"});
    EXPECT_EQ(ask("hostname"), machine().name());
}

TEST_F(SettingsOfAMachine, AreChangedByDropInsThatAreTrusted) {
    write_file("[Exec]\nHostname=file\nEnvironment=ONE=1\nCapability=CAP_SYS_MODULE\n");
    write_drop_in("10-name.conf", "[Exec]\nHostname=drop-in\nEnvironment=TWO=2\n");
    write_drop_in("20-mounts.conf", "[Files]\nTemporaryFileSystem=/srv:mode=0700\n");

    boot({});

    EXPECT_EQ(ask("hostname"), "drop-in");
    EXPECT_EQ(ask("getenv ONE") + ask("getenv TWO"), "12");
    EXPECT_EQ(ask("stat /srv"), "dir 0700 0:0 0:0");
    EXPECT_FALSE(std::stoull(ask("status CapBnd"), nullptr, 16) >> 16 & 1);
}

TEST_F(SettingsOfAMachine, SayWhatRuns) {
    write_file("[Exec]\nBoot=no\nParameters=/probe one\nParameters='two three'\n");

    boot({"--settings=trusted"}, {});

    EXPECT_EQ(ask("arguments"), "/probe\none\ntwo three");
}

TEST_F(SettingsOfAMachine, LimitItsProcesses) {
    constexpr std::pair<const char*, const char*> limits[]{
        {"CPU", "1000"},   {"FSIZE", "1000001"}, {"DATA", "infinity"}, {"STACK", "8388608"},
        {"CORE", "7"},     {"RSS", "9000001"},   {"NOFILE", "99"},     {"AS", "infinity"},
        {"NPROC", "5000"}, {"MEMLOCK", "65536"}, {"LOCKS", "12"},      {"SIGPENDING", "77"},
        {"MSGQUEUE", "8"}, {"NICE", "0"},        {"RTPRIO", "0"},      {"RTTIME", "2000000"}};
    std::string text = "[Exec]\n";
    for (const auto& [name, value] : limits)
        text += std::string{"Limit"} + name + "=" + value + "\n";
    write_file(text);

    boot();

    for (const auto& [name, value] : limits)
        EXPECT_EQ(ask(std::string{"limit "} + name), std::string{value} + ":" + value) << name;
}

TEST_F(SettingsOfAMachine, CanBeGivenByTheirKeys) {
    boot({"--key=Hostname=from-a-key", "--key=Files.TemporaryFileSystem=/srv:mode=0711"});

    EXPECT_EQ(ask("hostname"), "from-a-key");
    EXPECT_EQ(ask("stat /srv"), "dir 0711 0:0 0:0");
}

TEST_F(SettingsOfAMachine, AreRefusedByFileAndLine) {
    write_file("[Exec]\nHostname=good\n");
    write_drop_in("10-bad.conf", "[Exec]\n\nKillSignal=SIGNOTHING\n");

    const Outcome outcome = refused({"--settings=trusted"});

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("10-bad.conf:3: KillSignal=: 'SIGNOTHING' is no signal"));
}

TEST_F(SettingsOfAMachine, LimitItsControlGroupOrSayThatTheyCannot) {
    Start start{.options = {"--key=MemoryMax=500M", "--key=TasksMax=300"}, .command = {"/probe", "--ask", "pid"}};

    const Outcome outcome = outcome_of(start);

    EXPECT_EQ(outcome.status, 0);
    const bool has_controllers = of_host("/sys/fs/cgroup/cgroup.controllers").find("memory") != std::string::npos;
    if (!has_controllers) {
        EXPECT_THAT(outcome.errors, ContainsRegex("runs without its limit MemoryMax="));
    } else {
        EXPECT_THAT(outcome.errors, Not(HasSubstr("without its limit")));
    }
}

} // namespace machinist::test
