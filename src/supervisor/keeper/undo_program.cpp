// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/undo_program.hpp"

#include "base/unique_fd.hpp"
#include "kernel/syscalls.hpp"
#include "supervisor/keeper/clock.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::keeper {

namespace {

constexpr Milliseconds patience_with_bus = 5000;
// The kernel may take its time to take networks apart.
constexpr Milliseconds patience_with_network = 30000;

struct Call {
    const char* program;
    const char* name; // argv[0]
    const char* first;
    const char* second; // may be none
    BorrowedFd input;
    BorrowedFd directory; // to be in
    bool may_complain;
};

[[noreturn]] void become(const Call& call) {
    // Neither a lock of ours nor a stream that the caller waits for the end of.
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(call.input ? call.input.get() : nowhere, STDIN_FILENO);
    ::dup2(nowhere, STDOUT_FILENO);
    if (!call.may_complain)
        ::dup2(nowhere, STDERR_FILENO);
    if (call.directory && ::fchdir(call.directory.get()) < 0)
        ::_exit(127);
    sys::close_range(3, ~0U, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execl(call.program, call.name, call.first, call.second, nullptr);
    ::_exit(127);
}

// True if it ended well. It is killed if it does not end in time.
bool run(const Call& call, Milliseconds patience) {
    const pid_t child = ::fork();
    if (child < 0)
        return false;
    if (child == 0)
        become(call);
    const UniqueFd process{sys::pidfd_open(child, 0)};
    pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
    const Milliseconds until = now() + patience;
    while (process && ::poll(&end, 1, timeout_until(until)) < 0 && errno == EINTR)
        continue;
    if (process && (end.revents & POLLIN) == 0)
        ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    errno = ECHILD;
    return status == 0;
}

} // namespace

bool unlist(std::string_view program_and_name) {
    const std::size_t blank = program_and_name.rfind(' ');
    if (blank == std::string_view::npos) {
        errno = EINVAL;
        return false;
    }
    Text<4096> program;
    Text<128> name;
    program << std::string_view{program_and_name.data(), blank};
    program_and_name.remove_prefix(blank + 1);
    name << "--machine=" << program_and_name;
    // A program that was removed since has nobody to tell either.
    if (::access(program.c_str(), X_OK) < 0)
        return errno == ENOENT;
    // What the others make of it is theirs.
    (void)run({.program = program.c_str(),
               .name = "machinist-unit",
               .first = "--unregister",
               .second = name.c_str(),
               .input = {},
               .directory = {},
               .may_complain = false},
              patience_with_bus);
    return true;
}

bool undo_network(const char* program, BorrowedFd run_directory, BorrowedFd network) {
    return run({.program = program,
                .name = "machinist-network",
                .first = "--undo",
                .second = nullptr,
                .input = network,
                .directory = run_directory,
                .may_complain = true},
               patience_with_network);
}

} // namespace machinist::keeper
