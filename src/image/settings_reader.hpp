// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings of a machine, found on the host and read: the file and its drop-ins.
#pragma once

#include "spec/settings_file.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

inline constexpr std::size_t largest_settings_file = std::size_t{1} << 20;

struct SettingsSearch {
    std::vector<std::filesystem::path> directories{std::begin(settings_directories), std::end(settings_directories)};
    std::optional<std::filesystem::path> beside; // the image's directory: never trusted
    bool trust_all = false;
};

// The first file of that name, and of the drop-ins in all directories, by the names of their files, those that no
// earlier directory has, too. A file that is empty or a link to /dev/null hides others of its name. A source is trusted
// if it was found in one of the directories and nobody but root has a hand in the way to it.
std::vector<SettingsSource> read_settings(const SettingsSearch& search, std::string_view name);

// One file, wherever it lies.
SettingsSource read_settings_source(const std::filesystem::path& path, bool trusted);

} // namespace machinist
