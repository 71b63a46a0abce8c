// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs part of a test in a process of its own, for what cannot be undone: filters, capabilities, users.
#pragma once

#include <concepts>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

// What went wrong, or nothing. The body throws to say so.
template <std::invocable Body>
std::string failure_in_child(Body&& body) {
    int ends[2];
    if (::pipe(ends) < 0)
        return "pipe failed";
    const pid_t child = ::fork();
    if (child == 0) {
        std::string message;
        try {
            body();
        } catch (const std::exception& thrown) {
            message = thrown.what();
        }
        const bool told = ::write(ends[1], message.data(), message.size()) == static_cast<ssize_t>(message.size());
        ::_exit(message.empty() && told ? 0 : 1);
    }
    ::close(ends[1]);
    std::string message;
    char buffer[512];
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        message.append(buffer, static_cast<std::size_t>(count));
    ::close(ends[0]);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child)
        return "fork failed";
    if (status != 0 && message.empty())
        return "the child ended with wait status " + std::to_string(status);
    return message;
}

inline void require(bool condition, const char* what) {
    if (!condition)
        throw std::runtime_error{what};
}

} // namespace machinist
