// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings as a person names them: by the image or machine they are for, or by a file.
#pragma once

#include "spec/settings_file.hpp"

#include <string>
#include <vector>

namespace machinist {

// "web" and "web.nspawn" are the same. Failure(invalid) for what cannot be a name.
std::string name_of_settings(const std::string& word);

// The file and its drop-ins, in the order in which they count; of a word with a slash, that file. Failure(not_found)
// if there are none.
std::vector<SettingsSource> settings_called(const std::string& word);
// May be empty.
std::vector<SettingsSource> settings_of_name(const std::string& name);

} // namespace machinist
