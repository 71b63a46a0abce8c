// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of a program that people call: what went wrong is told on stderr, and becomes its exit status.
#pragma once

#include <concepts>
#include <exception>
#include <utility>

namespace machinist {

// Prints it and returns the exit status for it. What is no Failure is an internal error.
int tell(const std::exception& failure);

// What main() returns: body's status, or the one of the failure that left it.
template <std::invocable Body>
int told_as_exit_status(Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (const std::exception& failure) {
        return tell(failure);
    }
}

} // namespace machinist
