// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/programs.hpp"

#include "machinist_config.h"

#include <array>
#include <unistd.h>

namespace machinist {

namespace {

struct Place {
    const char* name;
    const char* in_build_tree; // from its src directory
};
constexpr std::array places{Place{"machinist-supervisor", "supervisor/keeper"}, Place{"machinist-enter", "enter"},
                            Place{"machinist-image", "image/errand"}, Place{"machinist-transfer", "transfer"},
                            Place{"machinist-survey", "registry/survey"}};

} // namespace

std::filesystem::path program_near(const std::string& name) {
    std::error_code ignored;
    const auto directory = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    // Programs of the build tree lie one or two folders below src.
    for (const Place& place : places)
        for (const char* up : {"..", "../.."}) {
            const auto built = (directory / up / place.in_build_tree / name).lexically_normal();
            if (name == place.name && ::access(built.c_str(), X_OK) == 0)
                return built;
        }
    return std::filesystem::path{MACHINIST_LIBEXEC} / name;
}

} // namespace machinist
