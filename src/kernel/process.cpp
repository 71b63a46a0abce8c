// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/process.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_output = 65536;

} // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, BorrowedFd input) {
    auto [from_it, to_us] = make_pipe();
    output_ = std::move(from_it);

    std::vector<char*> vector;
    for (const std::string& argument : arguments)
        vector.push_back(const_cast<char*>(argument.c_str()));
    vector.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (input)
        ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
    else
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, to_us.get(), STDOUT_FILENO);
    const int error_number = ::posix_spawnp(&pid_, vector[0], &actions, nullptr, vector.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error_number != 0) {
        pid_ = 0;
        throw system_failure("run '" + arguments[0] + "'", error_number);
    }
}

RunningProgram::~RunningProgram() {
    if (pid_ == 0)
        return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR)
        continue;
}

ProgramResult RunningProgram::finish() {
    ProgramResult result;
    result.output = read_all(output_, most_output);
    result.status = end();
    return result;
}

std::optional<ProgramResult> RunningProgram::finish_within(std::chrono::milliseconds patience, std::size_t limit) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    ProgramResult result;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd ready{.fd = output_.get(), .events = POLLIN, .revents = 0};
        const int found = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (found < 0 && errno == EINTR)
            continue;
        char buffer[8192];
        const ssize_t count = found > 0 ? ::read(output_.get(), buffer, sizeof buffer) : -1;
        if (found > 0 && count < 0 && errno == EINTR)
            continue;
        if (count < 0 || result.output.size() + static_cast<std::size_t>(count) > limit) {
            ::kill(pid_, SIGKILL);
            end();
            return std::nullopt;
        }
        if (count == 0)
            break;
        result.output.append(buffer, static_cast<std::size_t>(count));
    }
    result.status = end();
    return result;
}

int RunningProgram::end() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR)
        continue;
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

ProgramResult run_program(const std::vector<std::string>& arguments) {
    return RunningProgram{arguments}.finish();
}

} // namespace machinist
