// SPDX-License-Identifier: LGPL-2.1-or-later
#include "namespaces/machine.hpp"

#include "namespaces/host_audit.hpp"
#include "namespaces/own_network.hpp"
#include "spec/run_directory.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace machinist::test {
namespace {

std::vector<std::string> arguments_of(const Path& tree, const Start& start, const std::string& name) {
    std::vector<std::string> arguments;
    if (start.called_as == CalledAs::machinist)
        arguments.emplace_back("run");
    arguments.insert(arguments.end(), {"--machine=" + name, "--quiet"});
    const auto given = [&](std::string_view option) {
        for (const std::string& word : start.options)
            if (word.starts_with(option))
                return true;
        return false;
    };
    if (!given("--directory") && !given("-D") && !given("--template") && !given("--mstack") && !given("--oci-bundle") &&
        !given("--image") && !given("--machine"))
        arguments.push_back("--directory=" + tree.string());
    if (start.pipe)
        arguments.emplace_back("--console=pipe");
    arguments.insert(arguments.end(), start.options.begin(), start.options.end());
    arguments.insert(arguments.end(), start.command.begin(), start.command.end());
    return arguments;
}

ProgramOptions options_of(const Start& start) {
    ProgramOptions options;
    options.environment = start.environment;
    options.environment.emplace_back("TERM=vt220");
    if (start.called_as == CalledAs::nspawn)
        options.called_as = "systemd-nspawn";
    options.dialogue = start.pipe;
    options.on_terminal = start.on_terminal;
    options.extra_descriptor = start.extra_descriptor;
    return options;
}

std::string plain(std::string_view line) {
    std::string text;
    for (std::size_t index = 0; index < line.size(); ++index) {
        if (line[index] != '\\' || index + 1 == line.size()) {
            text += line[index];
            continue;
        }
        const char next = line[++index];
        text += next == 'n' ? '\n' : next == 'r' ? '\r' : next;
    }
    return text;
}

} // namespace

// What a test program that was killed left running, and ranges of ids kept for names that nobody has again; nobody else
// names machines so.
class EndOfOrphans : public testing::Environment {
public:
    void SetUp() override {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator{run_directory::root, ignored}) {
            const std::string name = entry.path().filename();
            if (name.starts_with("test-") && ::kill(std::atoi(name.c_str() + 5), 0) != 0)
                run(MACHINIST_PROGRAM, {"terminate", name});
        }
    }

    void TearDown() override {
        const std::string own = "test-" + std::to_string(::getpid()) + "-";
        const Path ranges = "/var/lib/machinist/id-ranges";
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator{ranges, ignored}) {
            if (!entry.path().filename().string().starts_with(own))
                continue;
            const std::string base = text_of(entry.path());
            std::filesystem::remove(ranges / ".by-base" / base.substr(0, base.find('\n')), ignored);
            std::filesystem::remove(entry.path(), ignored);
        }
    }
};
// NOLINTNEXTLINE(cert-err58-cpp): GoogleTest wants it so.
[[maybe_unused]] testing::Environment* const end_of_orphans = testing::AddGlobalTestEnvironment(new EndOfOrphans);

std::string unused_name() {
    static std::atomic<int> count = 0;
    // Equally long, so that none is the beginning of another.
    const std::string number = std::to_string(1000 + ++count);
    return "test-" + std::to_string(::getpid()) + "-" + number;
}

Machine::Machine(const Path& tree, Start start)
    : name_(start.name.empty() ? unused_name() : start.name),
      program_(MACHINIST_PROGRAM, arguments_of(tree, start, name_), options_of(start)) {}

Machine::~Machine() {
    if (!program_.runs())
        return;
    program_.end_input();
    if (program_.end_within(200ms))
        return;
    // The second one ends it at once.
    program_.signal(SIGTERM);
    pause_for(50ms);
    program_.signal(SIGTERM);
    if (program_.end_within(5s))
        return;
    if (const pid_t process = leader(); process > 1)
        ::kill(process, SIGKILL);
    program_.end_within(5s);
}

std::string Machine::ask(std::string_view question) {
    tell(question);
    if (const auto answer = program_.line(20s))
        return plain(*answer);
    const auto status = program_.end_within(0ms);
    throw std::runtime_error{"no answer to '" + std::string{question} + "': the program " +
                             (status ? "ended with status " + std::to_string(*status) : "still runs") +
                             "; it said: " + program_.errors()};
}

void Machine::tell(std::string_view question) {
    program_.say(std::string{question} + "\n");
}

int Machine::end() {
    program_.end_input();
    return status_at_end();
}

int Machine::status_at_end(milliseconds patience) {
    if (const auto status = program_.end_within(patience))
        return *status;
    throw std::runtime_error{"machine '" + name_ + "' does not end; it said: " + program_.errors()};
}

pid_t Machine::leader() const {
    // Known a moment after the start.
    std::string text;
    eventually([&] { return !(text = text_of(run_directory::path(name_) + "/leader")).empty(); }, 2s);
    return text.empty() ? -1 : static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
}

void ABootedMachine::SetUp() {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root starts machines";
}

void ABootedMachine::TearDown() {
    machines_.clear();
    for (const std::string& name : names_)
        EXPECT_THAT(remnants_of(name, tree.workplace().path()), testing::IsEmpty()) << "of machine " << name;
}

Machine& ABootedMachine::start(Start start) {
    machines_.push_back(std::make_unique<Machine>(tree.path(), std::move(start)));
    names_.push_back(machine().name());
    return machine();
}

Machine& ABootedMachine::start_with(std::vector<std::string> options, std::vector<std::string> command) {
    return start({.options = std::move(options), .command = std::move(command)});
}

Outcome ABootedMachine::outcome_of(Start given) {
    Machine& started = start(std::move(given));
    started.program().end_input();
    const auto status = started.program().end_within(30s);
    std::string output = started.program().output();
    while (auto line = started.program().line(0ms))
        output += *line + "\n";
    return {status.value_or(-1), output, started.program().errors()};
}

int ABootedMachine::end_machine() {
    const int status = machine().end();
    machines_.pop_back();
    return status;
}

Outcome ABootedMachine::machinist(std::vector<std::string> arguments, milliseconds patience) {
    std::optional<TheOnlyCollector> collector;
    if (arguments[0] == "gc")
        collector.emplace();
    return run(MACHINIST_PROGRAM, arguments, {}, patience);
}

std::vector<std::string> words_of(std::string_view text, char separator) {
    std::vector<std::string> words;
    std::istringstream stream{std::string{text}};
    for (std::string word; std::getline(stream, word, separator);)
        words.push_back(word);
    return words;
}

SeenMount seen_mount(const std::string& answer) {
    const std::vector<std::string> words = words_of(answer);
    if (words.size() < 6)
        return {};
    return {words[0], words[1], words[3], words[4], words_of(words[2], ','), words_of(words[5], ',')};
}

} // namespace machinist::test
