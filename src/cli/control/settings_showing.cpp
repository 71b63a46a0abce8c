// SPDX-License-Identifier: LGPL-2.1-or-later
// `show --settings`: what counts of all that is written for a machine, and where it is written.
#include "base/failure.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/settings_files.hpp"
#include "cli/control/table.hpp"
#include "spec/setting_origins.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace machinist {

namespace {

// Those of the unit that starts machines by their names.
const std::vector<std::string> options_of_the_unit{"--boot", "--link-journal=try-guest", "--notify-ready=yes",
                                                   "--network-veth", "--settings=override"};

CommandLine command_line_of(const Invocation& call) {
    std::vector<std::string> words = options_of_the_unit;
    if (call.words.size() > 1)
        words.assign(call.words.begin() + 1, call.words.end());
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    CommandLine line = parse_command_line(Manner::machinist, pointers);
    if (!line.problems.empty())
        throw failure_of(line.problems);
    return line;
}

} // namespace

int show_settings(const Invocation& call) {
    if (call.words.empty())
        throw Failure{FailureKind::usage, "'show --settings' needs a name"};
    const std::string& word = call.words.front();
    const bool is_file = word.find('/') != std::string::npos;
    const CommandLine line = command_line_of(call);
    auto sources = is_file ? settings_called(word) : settings_of_name(name_of_settings(word));
    if (line.request.settings_use == SettingsUse::trusted)
        for (SettingsSource& source : sources)
            source.trusted = true;
    const SettingsFile file = parse_settings(sources);
    for (const Problem& problem : file.problems)
        std::fprintf(stderr, "machinist: %s\n", text_of(problem).c_str());
    Table table{{"SECTION", "KEY", "VALUE", "ORIGIN"}};
    for (const SettingWithOrigin& setting : settings_with_origins(line, file))
        if (!setting.value.empty() || !setting.is_default || call.show_empty)
            table.add({std::string{setting.row->section}, std::string{setting.row->key},
                       setting.value.empty() && setting.is_default ? Cell{} : setting.value, setting.origin});
    table.print(call, "settings");
    return 0;
}

} // namespace machinist
