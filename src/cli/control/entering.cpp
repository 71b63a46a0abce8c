// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/entering.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t largest_output = 262144;

[[noreturn]] void run_in_child(const PreparedEntry& prepared, BorrowedFd output) {
    try {
        const UniqueFd nothing = open_path("/dev/null", O_RDONLY);
        if (::dup2(nothing.get(), STDIN_FILENO) >= 0 && ::dup2(output.get(), STDOUT_FILENO) >= 0 &&
            ::dup2(output.get(), STDERR_FILENO) >= 0)
            prepared.execute();
    } catch (const Failure& failure) {
        write_all(output, failure.what());
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace

void become_entry(const Machine& machine, const Entry& entry, const Places& places) {
    prepare_entry(machine, entry, places).execute();
}

EntryResult run_entry(const Machine& machine, const Entry& entry, const Places& places) {
    const PreparedEntry prepared = prepare_entry(machine, entry, places);
    auto [reader, writer] = make_pipe();
    const pid_t pid = ::fork();
    if (pid < 0)
        throw system_failure("start a process");
    if (pid == 0)
        run_in_child(prepared, writer);
    writer.reset();
    EntryResult result;
    result.output = read_all(reader, largest_output);
    // More is not wanted, and must not hold it up.
    char ignored[4096];
    while (::read(reader.get(), ignored, sizeof ignored) > 0)
        continue;
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

std::vector<std::string> terminal_environment() {
    std::vector<std::string> environment;
    const char* terminal = std::getenv("TERM");
    environment.push_back(std::string{"TERM="} + (terminal ? terminal : "dumb"));
    for (const char* name : {"COLORTERM", "NO_COLOR"})
        if (const char* value = std::getenv(name))
            environment.push_back(std::string{name} + "=" + value);
    return environment;
}

} // namespace machinist
