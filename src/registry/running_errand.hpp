// SPDX-License-Identifier: LGPL-2.1-or-later
// An errand in a machine while it is done, by a process that can be waited for with others and killed at any time: a
// machine can make every look at its files last for ever.
#pragma once

#include "registry/answering_process.hpp"
#include "registry/entry.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace machinist {

struct ErrandAnswer {
    std::string text = {};
    std::vector<UniqueFd> descriptors = {};
};

class RunningErrand {
public:
    // Throws Failure; not_supported for a machine that is not open yet.
    RunningErrand(const Machine& machine, const Errand& errand, const Places& places, const Entry& entry = {});
    // What answers over that socket, whichever program it is.
    RunningErrand(const PreparedEntry& prepared, UniqueFd answer);

    // Readable once finish() does not wait.
    [[nodiscard]] BorrowedFd answer_socket() const {
        return process_.socket();
    }
    // The answer. Throws the Failure that ended it.
    ErrandAnswer finish();

private:
    std::string program_;
    AnsweringProcess process_;
};

// Of a program of ours that enters nothing: PROGRAM REPLY-DESCRIPTOR WORD...
RunningErrand start_program_errand(const std::string& program, const std::vector<std::string>& words);

// To its end, or Failure(timed_out). No patience: as long as it takes.
ErrandAnswer run_errand(const Machine& machine, const Errand& errand, const Places& places,
                        std::optional<std::chrono::milliseconds> patience, const Entry& entry = {});

} // namespace machinist
