// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine under test: the real program starts it, the probe inside answers.
#pragma once

#include "namespaces/minimal_tree.hpp"
#include "namespaces/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist::test {

// How the machine is started: `machinist run` in its own manner, or as systemd-nspawn with its defaults.
enum class CalledAs { machinist, nspawn };

struct Start {
    std::vector<std::string> options = {};
    std::vector<std::string> command = {"/probe"};
    CalledAs called_as = CalledAs::machinist;
    std::vector<std::string> environment = {};
    std::string name = {}; // empty: one that nobody else has
    bool pipe = true;      // --console=pipe: the dialogue goes over it
    bool on_terminal = false;
    int extra_descriptor = -1;
};

class Machine {
public:
    Machine(const Path& tree, Start start);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    // Ends it if it still runs, by all means that there are.
    ~Machine();

    [[nodiscard]] const std::string& name() const {
        return name_;
    }
    [[nodiscard]] Program& program() {
        return program_;
    }
    // The probe's answer; throws with all that the program said if none comes.
    std::string ask(std::string_view question);
    // For a question that has no answer, because it ends the machine.
    void tell(std::string_view question);
    // The machine ends because its input does; or has been told to. Exit status of the program.
    int end();
    int status_at_end(milliseconds patience = 20s);
    // Process 1 of the machine as the host sees it.
    [[nodiscard]] pid_t leader() const;

private:
    std::string name_;
    Program program_;
};

// A test with a minimal tree, of which it starts one or more machines; afterwards nothing of them may be left.
class ABootedMachine : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    // Started, and known to answer.
    Machine& start(Start start = {});
    Machine& start_with(std::vector<std::string> options, std::vector<std::string> command = {"/probe"});
    // A start that is expected to end at once.
    Outcome outcome_of(Start start);
    std::string ask(std::string_view question) {
        return machine().ask(question);
    }
    [[nodiscard]] Machine& machine() {
        return *machines_.back();
    }
    // Ends the last one and forgets it.
    int end_machine();
    // What `machinist ARGUMENT...` answers.
    static Outcome machinist(std::vector<std::string> arguments, milliseconds patience = 30s);

    MinimalTree tree;

private:
    std::vector<std::unique_ptr<Machine>> machines_;
    std::vector<std::string> names_;
};

std::string unused_name();
std::vector<std::string> words_of(std::string_view text, char separator = ' ');

// A mount as the probe's "mount-at" tells it.
struct SeenMount {
    std::string type, root, propagation, source;
    std::vector<std::string> options, super_options;
};
SeenMount seen_mount(const std::string& answer);

} // namespace machinist::test
