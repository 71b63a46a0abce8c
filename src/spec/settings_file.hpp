// SPDX-License-Identifier: LGPL-2.1-or-later
// .nspawn settings files: where they may lie and what their text says. Opening them is for others.
#pragma once

#include "spec/command_line.hpp"
#include "spec/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct SettingsFilePlace {
    Path path;
    bool trusted = false;
};

// In order of preference: the first that exists is the only one that is read. name is the machine's, before the
// suffix of an ephemeral one. With --settings=trusted every place counts as trusted.
std::vector<SettingsFilePlace> settings_file_places(const MachineName& name, const Path& image_directory);

struct SettingsFile {
    Settings settings;
    Problems problems; // a value without meaning, a conflict, something not built: the start is refused
    Problems warnings; // unknown keys and sections, what an untrusted file may not say: ignored
};

// path is for the sentences only. An untrusted file loses every key that would widen privileges, and a value of it
// that has no meaning is a warning, so that nobody who can write beside an image can keep it from starting.
SettingsFile parse_settings_file(std::string_view text, const Path& path, bool trusted);

// The settings that count (--settings=): with none the file is not looked at.
Settings merge_settings(const StartRequest& request, Settings of_file);

} // namespace machinist
