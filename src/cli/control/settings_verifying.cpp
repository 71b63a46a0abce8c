// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings, read as a start would read them, and what it would say.
#include "cdi/cdi_search.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/settings_files.hpp"
#include "cli/control/table.hpp"
#include "spec/settings_text.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace machinist {

namespace {

struct Finding {
    Problem problem;
    bool is_problem; // else a warning
};

std::string place_of(const Problem& problem) {
    return problem.file.empty() ? std::string{} : place_text(problem.file, problem.line) + ": ";
}

// Without the place, where it begins with it.
std::string sentence_of(const Problem& problem) {
    const std::string place = place_of(problem);
    return problem.sentence.starts_with(place) ? problem.sentence.substr(place.size()) : problem.sentence;
}

// A device by its full name is looked for as a start would look for it.
std::vector<Finding> findings_about(const CdiName& name, const SettingsFile& settings) {
    std::vector<Finding> findings;
    const auto written = std::ranges::find_if(settings.written, [&](const WrittenSetting& setting) {
        return setting.standing == Standing::counts && parse_cdi_name(setting.value) == name;
    });
    const auto add = [&](Problems problems, bool are_problems) {
        for (Problem& problem : problems) {
            if (written != settings.written.end()) {
                problem.file = written->file;
                problem.line = written->line;
            }
            findings.push_back({std::move(problem), are_problems});
        }
    };
    CdiPart found = find_cdi_devices({&name, 1});
    add(std::move(found.problems), true);
    add(std::move(found.warnings), false);
    return findings;
}

std::vector<Finding> findings_in(const std::vector<SettingsSource>& sources) {
    const SettingsFile file = parse_settings(sources);
    std::vector<Finding> findings;
    for (const Problem& problem : file.problems)
        findings.push_back({problem, true});
    for (const Problem& warning : file.warnings)
        findings.push_back({warning, false});
    for (const CdiName& name : cdi_names(file.settings))
        for (Finding& finding : findings_about(name, file))
            findings.push_back(std::move(finding));
    // As an editor walks through them; the sources stay in the order in which they count.
    const auto place = [&](const Finding& finding) {
        const auto source = std::ranges::find(sources, finding.problem.file, &SettingsSource::path);
        return std::pair{source - sources.begin(), finding.problem.line};
    };
    std::ranges::stable_sort(findings, {}, place);
    return findings;
}

void print_lines(const std::vector<Finding>& findings) {
    for (const auto& [problem, is_problem] : findings)
        std::printf("%s%s%s%s%s\n", place_of(problem).c_str(),
                    is_problem ? "" : "warning: ", sentence_of(problem).c_str(), problem.remedy.empty() ? "" : "; try ",
                    problem.remedy.c_str());
}

void print_objects(const Invocation& call, const std::vector<Finding>& findings) {
    Table table{{"FILE", "LINE", "SEVERITY", "KEY", "VALUE", "MESSAGE", "REMEDY"}};
    for (const auto& [problem, is_problem] : findings) {
        std::string key = problem.option;
        if (key.ends_with('='))
            key.pop_back();
        table.add({problem.file.string(), std::to_string(problem.line), is_problem ? "error" : "warning",
                   key.empty() ? Cell{} : key, problem.value, sentence_of(problem),
                   problem.remedy.empty() ? Cell{} : problem.remedy},
                  {"", std::to_string(problem.line), "", "", "", "", ""});
    }
    table.print(call, "problems");
}

} // namespace

int verify_settings(const Invocation& call, const MachineStore&) {
    std::vector<Finding> findings;
    for (const std::string& word : call.words)
        for (Finding& finding : findings_in(settings_called(word)))
            findings.push_back(std::move(finding));
    if (call.output == OutputMode::text)
        print_lines(findings);
    else
        print_objects(call, findings);
    return std::ranges::any_of(findings, &Finding::is_problem) ? 1 : 0;
}

} // namespace machinist
