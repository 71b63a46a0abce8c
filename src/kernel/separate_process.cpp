// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/separate_process.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/unique_fd.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;

// Tells a whole answer from one that was cut off by an exception.
constexpr char complete = '.';

[[noreturn]] void answer(const std::function<std::string()>& question, BorrowedFd to) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_DUMPABLE, 0);
    try {
        write_all(to, question() + complete);
    } catch (const std::exception&) {
        ::_exit(EXIT_FAILURE);
    }
    ::_exit(EXIT_SUCCESS);
}

} // namespace

std::optional<std::string> find_out_apart(const std::function<std::string()>& question,
                                          std::chrono::milliseconds patience, std::size_t limit) {
    auto [reader, writer] = make_pipe();
    const pid_t pid = ::fork();
    if (pid < 0)
        throw system_failure("start a process");
    if (pid == 0)
        answer(question, writer);
    writer.reset();
    const ScopeExit end_it{[&] {
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR)
            continue;
    }};

    std::string text;
    const auto deadline = Clock::now() + patience;
    while (text.size() <= limit) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd ready{.fd = reader.get(), .events = POLLIN, .revents = 0};
        const int found = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (found < 0 && errno == EINTR)
            continue;
        if (found <= 0)
            return std::nullopt;
        char buffer[8192];
        const ssize_t count = ::read(reader.get(), buffer, sizeof buffer);
        if (count > 0) {
            text.append(buffer, static_cast<std::size_t>(count));
            continue;
        }
        if (!text.ends_with(complete))
            return std::nullopt;
        text.pop_back();
        return text;
    }
    return std::nullopt;
}

} // namespace machinist
