// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/settings_reader.hpp"

#include "base/failure.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"
#include "kernel/way_of_root.hpp"

#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace machinist {

namespace {

using std::filesystem::path;

constexpr const char* file_suffix = ".nspawn";
constexpr std::string_view drop_in_suffix = ".conf";
constexpr std::size_t most_drop_ins = 4096;

bool is_null_device(const struct stat& status) {
    return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3);
}

// Whatever it is, it is read as data: the way may lie in somebody else's hands.
std::optional<SettingsSource> read_if_exists(const path& file, bool in_good_place, bool trust_all) {
    const auto opened = open_path_if_exists(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened)
        return std::nullopt;
    const struct stat status = status_of(*opened);
    SettingsSource source{file, {}, trust_all || (in_good_place && is_way_of_root(file, *opened))};
    if (is_null_device(status))
        return source;
    if (!S_ISREG(status.st_mode))
        throw Failure{FailureKind::hostile, "read settings '" + file.string() + "': it is no regular file"};
    source.text = read_all(*opened, largest_settings_file + 1);
    if (source.text.size() > largest_settings_file)
        throw Failure{FailureKind::hostile, "read settings '" + file.string() + "': it is larger than 1 MiB"};
    return source;
}

std::optional<SettingsSource> find_file(const SettingsSearch& search, const std::string& name) {
    for (const path& directory : search.directories)
        if (auto source = read_if_exists(directory / name, true, search.trust_all))
            return source;
    if (search.beside)
        return read_if_exists(*search.beside / name, false, search.trust_all);
    return std::nullopt;
}

} // namespace

std::vector<SettingsSource> read_settings(const SettingsSearch& search, std::string_view name) {
    const std::string file_name = std::string{name} + file_suffix;
    std::vector<SettingsSource> sources;
    if (auto file = find_file(search, file_name))
        sources.push_back(std::move(*file));
    std::map<std::string, path> drop_ins;
    for (const path& directory : search.directories) {
        const path place = directory / (file_name + ".d");
        const auto opened = open_path_if_exists(place, O_RDONLY | O_DIRECTORY);
        if (!opened)
            continue;
        for (const std::string& entry : sorted_entries(*opened, most_drop_ins))
            if (entry.ends_with(drop_in_suffix) && !entry.starts_with('.'))
                drop_ins.emplace(entry, place / entry); // of one name, the first stays
    }
    for (const auto& [entry, place] : drop_ins)
        if (auto source = read_if_exists(place, true, search.trust_all); source && !source->text.empty())
            sources.push_back(std::move(*source));
    return sources;
}

SettingsSource read_settings_source(const path& file, bool trusted) {
    auto source = read_if_exists(file, false, trusted);
    if (!source)
        throw Failure{FailureKind::not_found, "read settings '" + file.string() + "': there is no such file"};
    return std::move(*source);
}

} // namespace machinist
