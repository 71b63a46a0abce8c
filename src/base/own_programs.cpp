// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/own_programs.hpp"

#include "base/failure.hpp"
#include "machinist_config.h"

#include <climits>
#include <string>
#include <unistd.h>

namespace machinist {

namespace {

struct Place {
    std::string_view name;
    const char* in_build_tree; // from the folder of all programs in it
};
constexpr Place places[]{{"machinist", "cli"},
                         {"machinist-control", "cli/control"},
                         {"machinist-device", "devices"},
                         {"machinist-dissect", "dissect"},
                         {"machinist-enter", "enter"},
                         {"machinist-gateway", "gateway"},
                         {"machinist-image", "image/errand"},
                         {"machinist-network", "network"},
                         {"machinist-supervisor", "supervisor/keeper"},
                         {"machinist-survey", "registry/survey"},
                         {"machinist-transfer", "transfer"},
                         {"machinist-unit", "scope"},
                         {"machinist-unlock", "dissect"},
                         {"machinist-yaml", "dissect"}};

// Empty if this program lies in no build tree. What is in one is as trustworthy as this program: both are its owner's.
std::filesystem::path folder_of_built_programs() {
    for (auto at = own_path().parent_path(); at.has_relative_path(); at = at.parent_path())
        if (at.filename() == "src" || at.filename() == "tests")
            return at.parent_path() / "src";
    return {};
}

} // namespace

std::filesystem::path own_path() {
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0)
        throw system_failure("find this program's own path");
    return std::string{path, static_cast<std::size_t>(length)};
}

std::filesystem::path own_program(std::string_view name) {
    static const std::filesystem::path built = folder_of_built_programs();
    for (const Place& place : places) {
        if (built.empty() || name != place.name)
            continue;
        auto path = built / place.in_build_tree / name;
        if (::access(path.c_str(), X_OK) == 0)
            return path;
    }
    return std::filesystem::path{name == "machinist" ? MACHINIST_BIN : MACHINIST_LIBEXEC} / name;
}

} // namespace machinist
