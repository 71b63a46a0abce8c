// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/settings_text.hpp"

#include "base/text.hpp"
#include "spec/option_table.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::size_t shown_of_a_line = 80;

bool is_section(std::string_view name) {
    return !name.empty() && std::ranges::find(option_table(), name, &Option::section) != option_table().end();
}

class Reader {
public:
    explicit Reader(const Path& path) : path_(path) {}

    SettingsText read(std::string_view text) {
        if (text.starts_with("\xEF\xBB\xBF"))
            text.remove_prefix(3);
        std::string joined_line;
        std::size_t number = 0;
        for (const std::string_view line : split(text, '\n')) {
            ++number;
            const std::string_view content = trimmed(line);
            const bool comment = content.starts_with('#') || content.starts_with(';');
            if (joined_line.empty())
                first_line_ = number;
            else if (comment)
                continue; // comments may stand between the lines of one assignment
            if (!comment && content.ends_with('\\')) {
                joined_line.append(content.substr(0, content.size() - 1)).append(" ");
                continue;
            }
            joined_line.append(content);
            read_line(trimmed(joined_line));
            joined_line.clear();
        }
        read_line(trimmed(joined_line));
        return std::move(read_);
    }

private:
    void warn(const std::string& sentence) {
        Problem warning{
            FailureKind::invalid, "", "", place_text(path_, first_line_) + ": " + sentence + ", ignored", {}};
        warning.file = path_;
        warning.line = first_line_;
        read_.warnings.push_back(std::move(warning));
    }

    void read_line(std::string_view line) {
        if (line.empty() || line.starts_with('#') || line.starts_with(';'))
            return;
        if (!is_utf8(line) || line.find('\0') != std::string_view::npos)
            return warn("the line is no UTF-8 text");
        if (line.starts_with('['))
            return read_section(line);
        const auto equals = line.find('=');
        const std::string_view key = trimmed(line.substr(0, equals));
        if (equals == std::string_view::npos || key.empty())
            return warn("'" + escaped_for_people(line.substr(0, shown_of_a_line)) + "' is no assignment");
        // A section that is not known was complained about already; keys of others begin with "X-".
        if (section_known_ && !key.starts_with("X-"))
            read_.lines.push_back(
                {section_, std::string{key}, std::string{trimmed(line.substr(equals + 1))}, first_line_});
    }

    void read_section(std::string_view line) {
        section_ = line.ends_with(']') ? line.substr(1, line.size() - 2) : std::string_view{};
        section_known_ = is_section(section_);
        if (!section_known_ && !section_.starts_with("X-"))
            warn("unknown section '" + escaped_for_people(line.substr(0, shown_of_a_line)) + "'");
    }

    SettingsText read_;
    const Path& path_;
    std::string section_;
    bool section_known_ = false;
    std::size_t first_line_ = 0;
};

} // namespace

SettingsText read_settings_text(std::string_view text, const Path& path) {
    return Reader{path}.read(text);
}

std::string place_text(const Path& path, std::size_t line) {
    return escaped_for_people(path.native()) + ":" + std::to_string(line);
}

} // namespace machinist
