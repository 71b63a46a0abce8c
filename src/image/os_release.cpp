// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/os_release.hpp"

#include "base/text.hpp"
#include "spec/environment_file.hpp"

namespace machinist {

namespace {

// os-release has a few dozen fields at most; whatever has more only wants to be large.
constexpr std::size_t most_fields = 256;

} // namespace

std::optional<std::map<std::string, std::string>> parse_os_release(std::string_view text) {
    const auto lines = parse_environment_file(text);
    if (!lines)
        return std::nullopt;
    std::map<std::string, std::string> fields;
    for (const auto& [name, value] : *lines) {
        if (!is_environment_name(name) || !is_utf8(value) || has_control_characters(value))
            continue;
        if (fields.size() == most_fields && !fields.contains(name))
            continue;
        fields[name] = value;
    }
    return fields;
}

} // namespace machinist
