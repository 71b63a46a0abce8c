// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/process.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

ProgramResult run_program(const std::vector<std::string>& arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw system_failure("make a pipe");
    UniqueFd from_program{ends[0]};
    UniqueFd to_us{ends[1]};

    std::vector<char*> vector;
    for (const std::string& argument : arguments)
        vector.push_back(const_cast<char*>(argument.c_str()));
    vector.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, to_us.get(), STDOUT_FILENO);
    pid_t pid = 0;
    const int error_number = ::posix_spawnp(&pid, vector[0], &actions, nullptr, vector.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error_number != 0)
        throw system_failure("run '" + arguments[0] + "'", error_number);
    to_us.reset();

    ProgramResult result;
    result.output = read_all(from_program, 65536);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return result;
}

} // namespace machinist
