// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/programs.hpp"

#include "machinist_config.h"

#include <array>
#include <unistd.h>

namespace machinist {

namespace {

struct Place {
    const char* name;
    const char* in_build_tree; // from the directory of this program in it
};
constexpr std::array places{Place{"machinist-supervisor", "../../supervisor/keeper"},
                            Place{"machinist-enter", "../../enter"}};

} // namespace

std::filesystem::path program_near(const std::string& name) {
    std::error_code ignored;
    const auto directory = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    for (const Place& place : places) {
        const auto built = (directory / place.in_build_tree / name).lexically_normal();
        if (name == place.name && ::access(built.c_str(), X_OK) == 0)
            return built;
    }
    return std::filesystem::path{MACHINIST_LIBEXEC} / name;
}

} // namespace machinist
