// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs another program of the host to its end.
#pragma once

#include "base/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace machinist {

struct ProgramResult {
    int status = 0;     // exit status, or 128 + signal
    std::string output; // its stdout, at most 64 KiB; stderr stays ours
};

// A program at work beside us; its stdout is a pipe that we read at its end.
class RunningProgram {
public:
    // As run_program() starts it; input becomes its stdin, if given.
    explicit RunningProgram(const std::vector<std::string>& arguments, BorrowedFd input = {});
    RunningProgram(const RunningProgram&) = delete;
    RunningProgram& operator=(const RunningProgram&) = delete;
    // Kills it if nobody waited for it.
    ~RunningProgram();

    ProgramResult finish();
    // Nothing if it has not ended by then, or said more; it is killed.
    std::optional<ProgramResult> finish_within(std::chrono::milliseconds patience, std::size_t most_output = 65536);

private:
    int end();
    pid_t pid_ = 0;
    UniqueFd output_;
};

// arguments[0] is looked up in PATH. stdin is empty; descriptors that are not close-on-exec are inherited.
// Throws Failure if it cannot be started; its own exit status is data.
ProgramResult run_program(const std::vector<std::string>& arguments);

} // namespace machinist
