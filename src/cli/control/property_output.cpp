// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"
#include "cli/control/json_text.hpp"
#include "cli/control/properties.hpp"

#include <algorithm>
#include <cstdio>

namespace machinist {

namespace {

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

std::string properties_text(const Properties& properties, const Invocation& call) {
    return text_of(wanted_of(properties, call), call);
}

void print_properties(const std::vector<std::string>& texts, const Invocation& call) {
    if (call.output == OutputMode::text)
        std::fputs(joined(texts, "\n").c_str(), stdout);
    else
        std::printf("%s\n", texts.size() == 1 ? texts[0].c_str() : ("[" + joined(texts, ",") + "]").c_str());
}

} // namespace machinist
