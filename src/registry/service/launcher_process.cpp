// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/launcher_process.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "kernel/forked.hpp"

#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace machinist {

namespace {

[[noreturn]] void execute_in_child(std::vector<std::string> words, const CallersStreams& streams) {
    try {
        take_streams(streams);
        if (::isatty(STDIN_FILENO) != 0)
            (void)::ioctl(STDIN_FILENO, TIOCSCTTY, 0); // another session's stays its own
        // No setting of ours is one of the machine's.
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        char* environment[] = {path, nullptr};
        ::execve(arguments[0], arguments.data(), environment);
    } catch (const Failure&) {
        // Its status says it.
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace

Pidfd start_launcher(const std::vector<std::string>& arguments, const CallersStreams& streams) {
    std::vector<std::string> words{own_program("machinist").string(), "run"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    if (::access(words[0].c_str(), X_OK) < 0)
        throw system_failure("execute '" + words[0] + "'").try_instead("installing all of machinist");
    Pidfd child = fork_held();
    if (!child)
        execute_in_child(std::move(words), streams);
    return child;
}

} // namespace machinist
