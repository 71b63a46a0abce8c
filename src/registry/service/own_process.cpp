// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/own_process.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

// Out of the way of the numbers that they are to have.
UniqueFd moved(BorrowedFd descriptor) {
    return UniqueFd{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

void execute_with(const OwnStreams& streams, char* const* words) {
    (void)::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const UniqueFd errors = streams.errors ? moved(streams.errors) : UniqueFd{};
    const UniqueFd file = streams.file ? moved(streams.file) : open_path("/dev/null", O_RDWR | O_NOCTTY);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO})
        if (::dup2(file.get(), stream) < 0)
            throw system_failure("take the file");
    if (errors && ::dup2(errors.get(), STDERR_FILENO) < 0)
        throw system_failure("take the errors");
    // Only what it was started by: no setting of ours is one of its.
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_PID");
    ::unsetenv("WATCHDOG_USEC");
    ::execv(words[0], words);
}

} // namespace

Pidfd fork_own_program(std::string_view program, const std::vector<std::string>& arguments,
                       const std::function<void(char* const*)>& execute) {
    std::vector<std::string> words{own_program(program).string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    if (::access(words[0].c_str(), X_OK) < 0)
        throw system_failure("execute '" + words[0] + "'").try_instead("installing all of machinist");
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    Pidfd child = fork_held();
    if (child)
        return child;
    try {
        execute(pointers.data());
    } catch (const std::exception&) {
        // That there is no result says it.
    }
    ::_exit(EXIT_FAILURE);
}

Pidfd start_own_process(std::string_view program, const std::vector<std::string>& arguments,
                        const OwnStreams& streams) {
    return fork_own_program(program, arguments, [&](char* const* words) { execute_with(streams, words); });
}

} // namespace machinist
