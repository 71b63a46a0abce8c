// SPDX-License-Identifier: LGPL-2.1-or-later
// A fixture that does what the launcher does at its end: a forked process stands for the machine, and its parent
// becomes the real supervisor program by exec.
#pragma once

#include "base/unique_fd.hpp"
#include "supervisor/keeper_orders.h"

#include <csignal>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct Ended {
    bool exited = false;
    int status = 0; // exit status, or the signal that ended it
    friend bool operator==(const Ended&, const Ended&) = default;
};

// reboot(2) in a PID namespace ends process 1 by SIGHUP, whatever those who started the tests did with that signal.
inline void end_as_rebooted() {
    ::signal(SIGHUP, SIG_DFL);
    ::raise(SIGHUP);
}

class AKeptMachine : public ::testing::Test {
protected:
    AKeptMachine();
    ~AKeptMachine() override;

    // What the supervisor is told; the descriptors are filled in by launch().
    keeper_orders orders{};
    std::vector<std::string> environment;
    // The supervisor's standard streams; by default nothing, and pipes that the test reads.
    UniqueFd input;
    UniqueFd output;
    UniqueFd errors;
    // A new session, with the input as controlling terminal.
    bool on_terminal = false;
    // A process group of its own, which is not the terminal's foreground.
    bool in_background = false;

    void use_pty(keeper_console mode); // the machine's stdio is a pty; its slave's path is pty_path
    void use_pipes();                  // the machine's stdio is three pipes, relayed
    void use_notify_socket();
    void use_outer_manager(); // $NOTIFY_SOCKET
    void use_lines_of_undo(std::string_view lines);

    // body runs in the process that stands for the machine's process 1.
    void launch(const std::function<void()>& body);
    Ended wait_for_end();
    // Only process 1; what it wrote may still be on its way.
    void wait_for_leader_end() const;
    Ended run(const std::function<void()>& body) {
        launch(body);
        return wait_for_end();
    }
    void signal_supervisor(int signal) const;
    // The time that it has taken so far, in clock ticks.
    [[nodiscard]] long processor_ticks() const;

    // Of the pipes that are there by default: all until the end of file.
    std::string all_output();
    std::string all_errors();
    // Up to and with the text; fails the test after some seconds.
    std::string output_until(std::string_view text);

    // The next datagram that the outer manager gets.
    std::string next_told();
    // In process 1: one datagram to the machine's notify socket.
    void notify(std::string_view message, std::span<const int> descriptors = {}) const;
    // The file "notify" once it holds the text.
    std::string notify_file_with(std::string_view text) const;

    // A point at which the test and process 1 meet.
    void machine_says_go() const;
    void wait_for_go();

    std::filesystem::path directory;     // of this test
    std::filesystem::path run_directory; // below it
    std::string pty_path;
    UniqueFd outer_socket;
    pid_t supervisor = -1;
    pid_t leader = -1;

private:
    [[noreturn]] void become_supervisor(const std::function<void()>& body, BorrowedFd tell_leader);
    void become_leader();

    UniqueFd run_directory_fd_;
    UniqueFd lock_;
    UniqueFd console_;
    UniqueFd notify_socket_;
    UniqueFd output_reader_;
    UniqueFd errors_reader_;
    UniqueFd machine_ends_[3];
    UniqueFd our_ends_[3];
    UniqueFd go_reader_;
    UniqueFd go_writer_;
    std::string output_so_far_;
};

// Reads until the end of file, or the text has come; throws std::runtime_error after some seconds.
std::string read_until(BorrowedFd file, std::string_view text = {});

std::filesystem::path make_directory();
// The cgroup2 directory that we are in; empty without one that we may write.
std::filesystem::path own_cgroup();
std::string text_of(const std::filesystem::path& file);
std::set<std::string> names_in(const std::filesystem::path& directory);

struct Pipe {
    UniqueFd reads;
    UniqueFd writes;
};
Pipe make_pipe();

struct Pty {
    UniqueFd master;
    std::string slave_path;
};
Pty make_pty();

} // namespace machinist
