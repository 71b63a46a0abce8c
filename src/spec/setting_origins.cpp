// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/setting_origins.hpp"

#include "base/text.hpp"
#include "spec/settings_text.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace machinist {

namespace {

using Said = std::pair<const Option*, std::string>;

// Which groups of settings are written; the limits, each its own, at the end.
using Groups = std::vector<bool>;

Groups groups_written(Settings settings) {
    Groups groups;
    std::apply([&](const auto&... group) { (groups.push_back(group.has_value()), ...); }, groups_of(settings));
    for (const auto& limit : settings.limits)
        groups.push_back(limit.has_value());
    return groups;
}

Groups groups_of_setting(const Said& said) {
    const auto& [row, value] = said;
    Settings settings;
    Problems ignored;
    Reading reading{.settings = settings,
                    .problems = ignored,
                    .warnings = ignored,
                    .place = {},
                    .option = std::string{row->key} + "=",
                    .value = value,
                    .has_value = true};
    if (const OptionParser parse = parser_of_key(*row))
        parse(reading);
    return groups_written(std::move(settings));
}

// With the image, which an option says in the request itself.
Settings settings_of(const StartRequest& request) {
    Settings settings = request.settings;
    if (request.directory || request.image || request.stack)
        settings.image.emplace();
    return settings;
}

bool have_one_in_common(const Groups& one, const Groups& other) {
    for (std::size_t at = 0; at < one.size(); ++at)
        if (one[at] && other[at])
            return true;
    return false;
}

Said key_and_value(std::string_view name, std::string_view value) {
    return {row_of_key(name), std::string{value}};
}

// The keys that would say the same as an option.
std::vector<Said> said_by(const WrittenOption& written) {
    const Option& row = *written.row;
    const std::string_view name = row.name;
    const auto equals = written.value.find('=');
    const std::string_view value = written.value;
    if (!row.key.empty())
        return {{&row, written.has_value ? written.value : "yes"}};
    if (row.letter == 'U')
        return {key_and_value("PrivateUsers", "pick"), key_and_value("PrivateUsersOwnership", "auto")};
    if (row.letter == 'j')
        return {key_and_value("LinkJournal", "try-guest")};
    if (name == "pipe")
        return {key_and_value("Console", "pipe")};
    if (name == "user")
        return {key_and_value("User", value)};
    if (equals == std::string::npos)
        return {};
    if (name == "key")
        return {key_and_value(trimmed(value.substr(0, equals)), trimmed(value.substr(equals + 1)))};
    if (name == "rlimit") {
        const std::string_view limit =
            value.starts_with("RLIMIT_") ? value.substr(7, equals - 7) : value.substr(0, equals);
        return {key_and_value("Limit" + std::string{limit}, value.substr(equals + 1))};
    }
    return {};
}

std::vector<Said> said_by(const CommandLine& line) {
    std::vector<Said> said;
    for (const WrittenOption& option : line.written)
        for (Said& one : said_by(option)) {
            if (one.first == nullptr)
                continue;
            if (!one.first->is_list)
                std::erase_if(said, [&](const Said& earlier) { return earlier.first == one.first; });
            said.push_back(std::move(one));
        }
    const auto& start = line.request.settings.start;
    if (start && !start->parameters.empty())
        said.push_back(key_and_value("Parameters", joined(start->parameters, " ")));
    return said;
}

std::string shown_value(const Said& said) {
    if (said.first->key == "SetCredential")
        return said.second.substr(0, said.second.find(':') + 1) + "(not shown)";
    return said.second;
}

} // namespace

std::vector<SettingWithOrigin> settings_with_origins(const CommandLine& line, const SettingsFile& file) {
    const SettingsUse use = line.request.settings_use;
    const bool file_wins = use == SettingsUse::override;
    const Groups winner = groups_written(file_wins ? file.settings : settings_of(line.request));
    std::vector<SettingWithOrigin> found;
    for (const Said& said : said_by(line))
        if (!file_wins || !have_one_in_common(groups_of_setting(said), winner))
            found.push_back({said.first, shown_value(said), "command line"});
    for (const WrittenSetting& written : file.written) {
        const Said said{written.row, written.value};
        const bool counts = use != SettingsUse::none && written.standing == Standing::counts;
        if (counts && (file_wins || !have_one_in_common(groups_of_setting(said), winner)))
            found.push_back({said.first, shown_value(said), place_text(written.file, written.line)});
    }
    for (const Option& row : option_table())
        if (!row.key.empty() && std::ranges::find(found, &row, &SettingWithOrigin::row) == found.end())
            found.push_back({&row, std::string{row.by_default}, "default", true});
    std::ranges::stable_sort(found, {}, &SettingWithOrigin::row);
    return found;
}

} // namespace machinist
