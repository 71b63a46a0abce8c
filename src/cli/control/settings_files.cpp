// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings, found and printed.
#include "cli/control/settings_files.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/table.hpp"
#include "image/image_name.hpp"
#include "image/pool.hpp"
#include "image/settings_reader.hpp"

#include <cstdio>
#include <filesystem>

namespace machinist {

std::string name_of_settings(const std::string& word) {
    constexpr std::string_view suffix = ".nspawn";
    const std::string name = word.ends_with(suffix) ? word.substr(0, word.size() - suffix.size()) : word;
    if (!is_image_name(name))
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(word) + "' is no name of a settings file"};
    return name;
}

std::vector<SettingsSource> settings_of_name(const std::string& name) {
    const Pool pool;
    const auto image = pool.find(name);
    SettingsSearch search;
    search.beside = image ? directory_beside(image->path) : std::optional{pool.places().new_images};
    return read_settings(search, name);
}

std::vector<SettingsSource> settings_called(const std::string& word) {
    if (word.find('/') != std::string::npos)
        return {read_settings_source(std::filesystem::absolute(word), true)};
    const std::string name = name_of_settings(word);
    auto sources = settings_of_name(name);
    if (sources.empty())
        throw Failure{FailureKind::not_found, "no settings file '" + escaped_for_people(name) + ".nspawn' known"};
    return sources;
}

int print_settings(const Invocation& call, const MachineStore&) {
    std::vector<SettingsSource> sources;
    // All of them first: nothing is printed if one is not known.
    for (const std::string& word : call.words)
        for (SettingsSource& source : settings_called(word))
            sources.push_back(std::move(source));
    if (call.output != OutputMode::text) {
        Table table{{"FILE", "TRUSTED", "TEXT"}};
        for (const SettingsSource& source : sources)
            table.add({source.path.string(), source.trusted ? "yes" : "no", source.text},
                      {"", source.trusted ? "true" : "false", ""});
        table.print(call, "files");
        return 0;
    }
    std::string text;
    for (const SettingsSource& source : sources) {
        text.append(text.empty() ? "" : "\n").append("# ").append(source.path.native()).append("\n");
        text.append(source.text);
        if (!text.ends_with('\n'))
            text.append("\n");
    }
    std::fputs(text.c_str(), stdout);
    return 0;
}

} // namespace machinist
