// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a part of a test in a process with a mount namespace of its own, which takes all its mounts with it.
#pragma once

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"

#include <exception>
#include <initializer_list>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

// What body returned, or "failure: ..." with its kind if it threw. Needs root.
template <typename Body>
std::string in_private_mounts(Body&& body) {
    int ends[2];
    if (::pipe(ends) != 0)
        return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        std::string text;
        try {
            enter_private_mount_namespace();
            text = body();
        } catch (const Failure& failure) {
            text = "failure " + std::to_string(static_cast<int>(failure.kind())) + ": " + failure.what();
        } catch (const std::exception& other) {
            text = std::string{"exception: "} + other.what();
        }
        write_all(BorrowedFd{ends[1]}, text);
        ::_exit(0);
    }
    ::close(ends[1]);
    const UniqueFd from{ends[0]};
    std::string text = read_all(from);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? text : "died: " + text;
}

// The same, with an empty directory of its own in the place of each of these.
template <typename Body>
std::string in_own_places(std::initializer_list<const char*> places, Body&& body) {
    return in_private_mounts([&] {
        for (const char* place : places)
            if (::mount("tmpfs", place, "tmpfs", 0, "mode=0755") < 0)
                throw system_failure(std::string{"mount a place over "} + place);
        return body();
    });
}

} // namespace machinist::testing
