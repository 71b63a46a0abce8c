// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/settings_file.hpp"

#include "base/text.hpp"
#include "spec/option_table.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::string_view sections[] = {"Exec", "Network", "Files"};

class Reader {
public:
    Reader(const Path& path, bool trusted) : path_(escaped_for_people(path.native())), trusted_(trusted) {}

    void read(std::string_view text) {
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
    }

    SettingsFile finish() {
        auto& start = file_.settings.start;
        if (start && start->boot.value_or(false) && start->as_pid2.value_or(false))
            file_.problems.push_back({FailureKind::invalid, "Boot=", "yes",
                                      path_ + ": Boot=yes and ProcessTwo=yes exclude each other",
                                      "leaving one of them out"});
        if (start && !start->has_mode()) {
            file_.warnings.push_back({FailureKind::invalid,
                                      "Parameters=",
                                      {},
                                      path_ + ": Parameters= counts only beside Boot= or ProcessTwo=, ignored",
                                      "Boot=no beside it"});
            start.reset();
        }
        // Ownership alone says that nothing is mapped, as it always did.
        if (auto& users = file_.settings.users; users && !users->kind)
            users->kind = UserNamespaceKind::none;
        return std::move(file_);
    }

private:
    std::string place() const {
        return path_ + ":" + std::to_string(first_line_) + ": ";
    }

    void warn(std::string option, std::string_view value, const std::string& sentence) {
        file_.warnings.push_back({FailureKind::invalid, std::move(option), std::string{value}, place() + sentence, {}});
    }

    void read_line(std::string_view line) {
        if (line.empty() || line.starts_with('#') || line.starts_with(';'))
            return;
        if (!is_utf8(line) || line.find('\0') != std::string_view::npos)
            return warn("", "", "the line is no UTF-8 text, ignored");
        if (line.starts_with('['))
            return read_section(line);
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || trimmed(line.substr(0, equals)).empty())
            return warn("", "", "'" + escaped_for_people(line.substr(0, 80)) + "' is no assignment, ignored");
        read_assignment(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    }

    void read_section(std::string_view line) {
        section_ = line.ends_with(']') ? line.substr(1, line.size() - 2) : std::string_view{};
        section_known_ = std::ranges::find(sections, section_) != std::end(sections);
        if (!section_known_ && !section_.starts_with("X-"))
            warn("", "", "unknown section '" + escaped_for_people(line.substr(0, 80)) + "', ignored");
    }

    void read_assignment(std::string_view key, std::string_view value) {
        if (!section_known_ || key.starts_with("X-"))
            return; // its section was complained about already, or is somebody else's
        const auto table = option_table();
        const auto row = std::ranges::find_if(
            table, [&](const Option& o) { return !o.key.empty() && o.key == key && o.section == section_; });
        const std::string option = std::string{key} + "=";
        if (row == table.end())
            return warn(option, value,
                        "unknown key '" + escaped_for_people(key.substr(0, 80)) + "' in section [" +
                            escaped_for_people(section_) + "], ignored");
        if (row->trust == Trust::privileged && !trusted_)
            return warn(option, value, option + " is ignored, because the file is in a place that is not trusted");
        Reading reading{.settings = file_.settings,
                        .problems = file_.problems,
                        .warnings = file_.warnings,
                        .place = place(),
                        .option = option,
                        .value = value,
                        .has_value = true,
                        .trusted = trusted_};
        const OptionParser parse = row->parse_key != nullptr ? row->parse_key : row->parse;
        if (parse != nullptr)
            parse(reading);
        else if (parse_bool(value).value_or(true)) // switched off is what it is anyway
            file_.problems.push_back(not_built(option, value, reading.place));
    }

    SettingsFile file_;
    std::string path_;
    bool trusted_;
    std::string section_;
    bool section_known_ = false;
    std::size_t first_line_ = 0;
};

} // namespace

std::vector<SettingsFilePlace> settings_file_places(const MachineName& name, const Path& image_directory) {
    const std::string file = name.text() + ".nspawn";
    std::vector<SettingsFilePlace> places{{Path{"/etc/systemd/nspawn"} / file, true},
                                          {Path{"/run/systemd/nspawn"} / file, true}};
    Path directory = image_directory.lexically_normal();
    if (!directory.has_filename()) // "/a/b/" names the same as "/a/b"
        directory = directory.parent_path();
    if (directory.has_filename())
        places.push_back({directory.parent_path() / file, false});
    return places;
}

SettingsFile parse_settings_file(std::string_view text, const Path& path, bool trusted) {
    Reader reader{path, trusted};
    reader.read(text);
    return reader.finish();
}

Settings merge_settings(const StartRequest& request, Settings of_file) {
    switch (request.settings_use) {
    case SettingsUse::none: return request.settings;
    case SettingsUse::override: return merged(std::move(of_file), request.settings);
    case SettingsUse::yes:
    case SettingsUse::trusted: break;
    }
    return merged(request.settings, std::move(of_file));
}

} // namespace machinist
