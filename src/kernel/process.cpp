// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/process.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, BorrowedFd input) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw system_failure("make a pipe");
    output_ = UniqueFd{ends[0]};
    const UniqueFd to_us{ends[1]};

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
    result.output = read_all(output_, 65536);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR)
        continue;
    pid_ = 0;
    result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return result;
}

ProgramResult run_program(const std::vector<std::string>& arguments) {
    return RunningProgram{arguments}.finish();
}

} // namespace machinist
