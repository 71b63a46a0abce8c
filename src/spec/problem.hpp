// SPDX-License-Identifier: LGPL-2.1-or-later
// A finding about what was written on the command line or in a settings file: all of them are told at once.
#pragma once

#include "base/failure.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

struct Problem {
    FailureKind kind = FailureKind::invalid; // usage: the command line itself has no meaning
    std::string option;                      // as it was written: "--bind", "-u", "Bind=", an environment variable
    std::string value;                       // as it was written; empty if there was none
    std::string sentence;                    // complete, names option and value; lower case, no full stop
    std::string remedy;                      // may be empty; printed behind "; try "
    std::filesystem::path file{};            // of settings; empty: it was not written in a file
    std::size_t line = 0;
};

using Problems = std::vector<Problem>;

// "--oom-score-adjust: '2000' is no number from -1000 to 1000; try ...": one line for people.
std::string text_of(const Problem& problem);

// All of them as the one exception: one sentence a line, kind usage if any of them is.
Failure failure_of(const Problems& problems);

} // namespace machinist
