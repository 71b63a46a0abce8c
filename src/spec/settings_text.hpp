// SPDX-License-Identifier: LGPL-2.1-or-later
// The assignments of a settings text, line by line. What they mean is not known here.
#pragma once

#include "spec/machine_spec.hpp"
#include "spec/problem.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct SettingsLine {
    std::string section;
    std::string key;
    std::string value;
    std::size_t number = 0; // the first, where several were joined by a backslash at the end
};

struct SettingsText {
    std::vector<SettingsLine> lines; // of sections that the option table knows
    Problems warnings;               // what is no assignment, unknown sections
};

// path is for the sentences only.
SettingsText read_settings_text(std::string_view text, const Path& path);

// "/etc/systemd/nspawn/web.nspawn:3"
std::string place_text(const Path& path, std::size_t line);

} // namespace machinist
