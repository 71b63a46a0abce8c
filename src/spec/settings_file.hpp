// SPDX-License-Identifier: LGPL-2.1-or-later
// .nspawn settings files and their drop-ins: where they may lie and what their texts say together. Opening them is for
// others.
#pragma once

#include "spec/command_line.hpp"
#include "spec/option_table.hpp"
#include "spec/settings.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// Where the administrator's settings lie, the first one wins; "NAME.nspawn.d/" in them holds drop-ins.
inline constexpr std::string_view settings_directories[]{"/etc/systemd/nspawn", "/run/systemd/nspawn",
                                                         "/usr/local/lib/systemd/nspawn", "/usr/lib/systemd/nspawn"};

// The directory of an image, where settings may lie that nobody vouches for. Nothing for "/".
std::optional<Path> directory_beside(const Path& image);

// One text and where it was found.
struct SettingsSource {
    Path path;
    std::string text;
    bool trusted = false;
};

enum class Standing {
    counts,
    replaced,  // by a later assignment, or taken back by an empty one
    untrusted, // left out, because of where its file lies
};

struct WrittenSetting {
    const Option* row = nullptr;
    std::string value;
    Path file;
    std::size_t line = 0;
    Standing standing = Standing::counts;
};

struct SettingsFile {
    Settings settings;
    Problems problems;                   // a value without meaning, a conflict: no start
    Problems warnings;                   // unknown keys and sections, what an untrusted file may not say: ignored
    std::vector<WrittenSetting> written; // every assignment to a known key, in this order
};

// The file, then its drop-ins in the order in which they count. A later assignment replaces an earlier one of its key,
// or adds to it where the key is a list; an empty one takes back what came before. An untrusted source loses every key
// that would widen privileges, replaces nothing that a trusted one says, and a value of it that has no meaning is a
// warning, so that nobody who can write beside an image can keep it from starting.
SettingsFile parse_settings(std::span<const SettingsSource> sources);

// Of one text. path is for the sentences only.
SettingsFile parse_settings_file(std::string_view text, const Path& path, bool trusted);

// The settings that count (--settings=): with none the file is not looked at.
Settings merge_settings(const StartRequest& request, Settings of_file);

} // namespace machinist
