// SPDX-License-Identifier: LGPL-2.1-or-later
// What counts of all that was written, key by key, and where it was written.
#pragma once

#include "spec/settings_file.hpp"

#include <string>
#include <vector>

namespace machinist {

struct SettingWithOrigin {
    const Option* row = nullptr;
    std::string value;  // as written; of credentials the name only
    std::string origin; // "default", "command line", "/etc/systemd/nspawn/web.nspawn:3"
    bool is_default = false;
};

// In the order of the option table; a list has a row for each of its assignments, and a key that nobody wrote one as
// well. Who wins is as in merge_settings().
std::vector<SettingWithOrigin> settings_with_origins(const CommandLine& line, const SettingsFile& file);

} // namespace machinist
