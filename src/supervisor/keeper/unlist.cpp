// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/unlist.hpp"

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

constexpr Milliseconds patience = 5000;

[[noreturn]] void become(const char* program, const char* name_argument) {
    // Neither a lock of ours nor a stream that the caller waits for the end of.
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (int stream = 0; stream <= 2; ++stream)
        ::dup2(nowhere, stream);
    sys::close_range(3, ~0U, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execl(program, "machinist-unit", "--unregister", name_argument, nullptr);
    ::_exit(127);
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

    const pid_t child = ::fork();
    if (child < 0)
        return false;
    if (child == 0)
        become(program.c_str(), name.c_str());
    const UniqueFd process{sys::pidfd_open(child, 0)};
    pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
    const Milliseconds until = now() + patience;
    while (process && ::poll(&end, 1, timeout_until(until)) < 0 && errno == EINTR)
        continue;
    if (process && (end.revents & POLLIN) == 0)
        ::kill(child, SIGKILL);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR)
        continue;
    return true;
}

} // namespace machinist::keeper
