// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that a test started: what it is told, what it says, how it ends.
#pragma once

#include "base/unique_fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace machinist::test {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

struct ProgramOptions {
    std::vector<std::string> environment; // "NAME=VALUE", beside PATH and TERM; nothing else is inherited
    std::string called_as;                // argv[0]; empty: the path
    std::optional<std::string> input;     // stdin is this and then ends; without it stdin stays open for say()
    int extra_descriptor = -1;            // becomes descriptor 3 of the program
    bool on_terminal = false;             // stdin, stdout and stderr are a terminal, which is also its controlling one
    bool dialogue = false;                // stdout is read line by line; else it is kept and read as a whole
};

class Program {
public:
    Program(const std::string& path, const std::vector<std::string>& arguments, const ProgramOptions& options = {});
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    // Kills it if it still runs.
    ~Program();

    [[nodiscard]] pid_t pid() const {
        return pid_;
    }
    void say(std::string_view text);
    void end_input();
    // The next line of stdout (dialogue, on_terminal) without its end; nothing if none came in time.
    std::optional<std::string> line(milliseconds patience);
    // All that comes until text has come or the time is over (dialogue, on_terminal).
    std::string output_until(std::string_view text, milliseconds patience);
    // What it wrote so far: stdout without a dialogue, stderr.
    [[nodiscard]] std::string output() const;
    [[nodiscard]] std::string errors() const;

    void signal(int number) const;
    // Its exit status, 128+n for a signal; nothing if it still runs after that time.
    std::optional<int> end_within(milliseconds patience);
    [[nodiscard]] bool runs() {
        return !end_within(0ms);
    }
    // The test's end of the terminal.
    [[nodiscard]] BorrowedFd terminal() const {
        return input_;
    }

private:
    bool read_more(milliseconds patience);

    pid_t pid_ = -1;
    std::optional<int> status_;
    UniqueFd input_;       // what say() writes to; the terminal's master
    UniqueFd dialogue_;    // what line() reads from; not set on a terminal
    UniqueFd output_file_; // memfd
    UniqueFd errors_file_; // memfd
    std::string unread_;
    bool on_terminal_ = false;
};

struct Outcome {
    int status = -1; // 128+n for a signal; -1: it had to be killed, its time was over
    std::string output;
    std::string errors;
};

Outcome run(const std::string& path, const std::vector<std::string>& arguments, ProgramOptions options = {},
            milliseconds patience = 60s);

// Asks condition again and again until it holds or the time is over.
template <typename Condition>
bool eventually(Condition condition, milliseconds patience = 5s);
void pause_for(milliseconds time);

template <typename Condition>
bool eventually(Condition condition, milliseconds patience) {
    for (const auto end = std::chrono::steady_clock::now() + patience;; pause_for(5ms)) {
        if (condition())
            return true;
        if (std::chrono::steady_clock::now() > end)
            return false;
    }
}

} // namespace machinist::test
