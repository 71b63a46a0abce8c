// SPDX-License-Identifier: LGPL-2.1-or-later
// A call of machinist-control within a test: words in, text and exit status out.
#pragma once

#include "base/failure.hpp"
#include "cli/control/verbs.hpp"
#include "kernel/files.hpp"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace machinist::testing {

inline void put(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
}

// Standard output, then "status N" or the failure.
inline std::string said_by(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    const UniqueFd output{::memfd_create("output", MFD_CLOEXEC)};
    std::fflush(stdout);
    const UniqueFd before{::dup(STDOUT_FILENO)};
    ::dup2(output.get(), STDOUT_FILENO);
    std::string end;
    try {
        const Invocation call = parse_invocation(arguments);
        end = "status " + std::to_string(find_verb(call).run(call, MachineStore{Places{}}));
    } catch (const Failure& failure) {
        end = failure.what();
    }
    std::fflush(stdout);
    ::dup2(before.get(), STDOUT_FILENO);
    ::lseek(output.get(), 0, SEEK_SET);
    return read_all(output) + end;
}

} // namespace machinist::testing
