// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"
#include "cli/control/json_text.hpp"
#include "cli/control/properties.hpp"
#include "cli/control/verbs.hpp"

#include <algorithm>
#include <cstdio>

namespace machinist {

namespace {

// What is asked of no machine in particular is told of all.
Properties properties_of_registry(const MachineStore&) {
    return {{"PoolPath", "/var/lib/machines"}};
}

Properties wanted_of(const Properties& properties, const Invocation& call) {
    Properties wanted;
    for (const auto& property : properties) {
        const bool asked = std::ranges::any_of(call.properties, [&](const std::string& words) {
            const auto names = split(words, ',');
            return std::ranges::find(names, property.first) != names.end();
        });
        if ((call.properties.empty() || asked) && (call.show_empty || !property.second.empty()))
            wanted.push_back(property);
    }
    return wanted;
}

std::string text_of(const Properties& properties, const Invocation& call) {
    std::string text;
    if (call.output == OutputMode::text) {
        for (const auto& [name, value] : properties)
            text.append(call.only_values ? "" : name + "=").append(escaped_for_people(value)).append("\n");
        return text;
    }
    for (const auto& [name, value] : properties)
        text.append(text.empty() ? "{" : ",").append(json_string(name)).append(":").append(json_string(value));
    return text.empty() ? "{}" : text + "}";
}

} // namespace

int show_machines(const Invocation& call, const MachineStore& machines) {
    std::vector<std::string> texts;
    if (call.words.empty())
        texts.push_back(text_of(wanted_of(properties_of_registry(machines), call), call));
    // All of them first: nothing is printed if one is not known.
    for (const std::string& name : call.words)
        texts.push_back(text_of(wanted_of(properties_of(machines.get(name)), call), call));
    if (call.output == OutputMode::text)
        std::fputs(joined(texts, "\n").c_str(), stdout);
    else
        std::printf("%s\n", texts.size() == 1 ? texts[0].c_str() : ("[" + joined(texts, ",") + "]").c_str());
    return 0;
}

} // namespace machinist
