// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/program_paths.hpp"

#include "base/failure.hpp"
#include "machinist_config.h"

#include <limits.h>
#include <unistd.h>

namespace machinist {

namespace {

struct Place {
    const char* name;
    const char* in_build_tree; // from the directory of `machinist` in it
};
constexpr Place places[] = {{"machinist-supervisor", "../supervisor/keeper"},
                            {"machinist-control", "control"},
                            {"machinist-enter", "../enter"},
                            {"machinist-unit", "../scope"}};

} // namespace

std::filesystem::path own_path() {
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0)
        throw system_failure("find this program's own path");
    return std::string{path, static_cast<std::size_t>(length)};
}

std::filesystem::path program_path(const std::string& name) {
    const std::filesystem::path directory = own_path().parent_path();
    for (const Place& place : places) {
        if (name != place.name)
            continue;
        // As trustworthy as this program itself: both lie in a tree of its owner.
        const std::filesystem::path built = directory / place.in_build_tree / name;
        if (::access(built.c_str(), X_OK) == 0)
            return built.lexically_normal();
    }
    return std::filesystem::path{MACHINIST_LIBEXEC} / name;
}

} // namespace machinist
