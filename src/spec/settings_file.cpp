// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/settings_file.hpp"

#include "base/text.hpp"
#include "spec/settings_text.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace machinist {

namespace {

class Sources {
public:
    void read(const SettingsSource& source) {
        SettingsText text = read_settings_text(source.text, source.path);
        file_.warnings.insert(file_.warnings.end(), std::make_move_iterator(text.warnings.begin()),
                              std::make_move_iterator(text.warnings.end()));
        for (SettingsLine& line : text.lines)
            read(source, std::move(line));
    }

    SettingsFile finish() {
        for (const auto& [written, trusted] : taken())
            parse(written, trusted);
        check_start();
        check_image();
        // Ownership alone says that nothing is mapped, as it always did.
        if (auto& users = file_.settings.users; users && !users->kind)
            users->kind = UserNamespaceKind::none;
        return std::move(file_);
    }

private:
    void add(Problems& problems, const WrittenSetting& written, FailureKind kind, const std::string& sentence,
             std::string remedy = {}) {
        Problem problem{kind, std::string{written.row ? written.row->key : ""} + "=", written.value,
                        place_text(written.file, written.line) + ": " + sentence, std::move(remedy)};
        problem.file = written.file;
        problem.line = written.line;
        problems.push_back(std::move(problem));
    }

    void read(const SettingsSource& source, SettingsLine line) {
        const auto table = option_table();
        const auto row = std::ranges::find_if(
            table, [&](const Option& o) { return !o.key.empty() && o.key == line.key && o.section == line.section; });
        WrittenSetting written{row == table.end() ? nullptr : &*row, std::move(line.value), source.path, line.number};
        if (written.row == nullptr)
            return add(file_.warnings, written, FailureKind::invalid,
                       "unknown key '" + escaped_for_people(line.key.substr(0, 80)) + "' in section [" +
                           escaped_for_people(line.section) + "], ignored");
        const std::string key = std::string{written.row->key} + "=";
        if (written.row->trust == Trust::privileged && !source.trusted) {
            add(file_.warnings, written, FailureKind::invalid,
                key + " is ignored, because the file is in a place that is not trusted");
            written.standing = Standing::untrusted;
        } else if (!source.trusted && takes_back(written) && is_said_by_trusted(written.row)) {
            add(file_.warnings, written, FailureKind::invalid,
                key + " is ignored, because a file that is trusted more says it, too");
            written.standing = Standing::untrusted;
        } else if (takes_back(written)) {
            replace_earlier(written.row);
        }
        if (written.standing == Standing::counts && written.value.empty() && !written.row->empty_has_a_meaning)
            written.standing = Standing::replaced; // it has done what it was for
        file_.written.push_back(std::move(written));
        trusted_.push_back(source.trusted);
    }

    static bool takes_back(const WrittenSetting& written) {
        return written.value.empty() || !written.row->is_list;
    }

    bool is_said_by_trusted(const Option* row) const {
        for (std::size_t at = 0; at < file_.written.size(); ++at)
            if (file_.written[at].row == row && trusted_[at])
                return true;
        return false;
    }

    void replace_earlier(const Option* row) {
        for (WrittenSetting& earlier : file_.written)
            if (earlier.row == row && earlier.standing == Standing::counts)
                earlier.standing = Standing::replaced;
    }

    std::vector<std::pair<const WrittenSetting*, bool>> taken() const {
        std::vector<std::pair<const WrittenSetting*, bool>> count;
        for (std::size_t at = 0; at < file_.written.size(); ++at)
            if (file_.written[at].standing == Standing::counts)
                count.emplace_back(&file_.written[at], trusted_[at]);
        return count;
    }

    void parse(const WrittenSetting* written, bool trusted) {
        const std::string option = std::string{written->row->key} + "=";
        Reading reading{.settings = file_.settings,
                        .problems = file_.problems,
                        .warnings = file_.warnings,
                        .place = place_text(written->file, written->line) + ": ",
                        .option = option,
                        .value = written->value,
                        .has_value = true,
                        .trusted = trusted};
        const std::size_t problems = file_.problems.size();
        const std::size_t warnings = file_.warnings.size();
        const OptionParser parser = parser_of_key(*written->row);
        parser(reading);
        const auto locate = [&](Problem& problem) {
            problem.file = written->file;
            problem.line = written->line;
        };
        std::ranges::for_each(file_.problems.begin() + static_cast<std::ptrdiff_t>(problems), file_.problems.end(),
                              locate);
        std::ranges::for_each(file_.warnings.begin() + static_cast<std::ptrdiff_t>(warnings), file_.warnings.end(),
                              locate);
        if (written->row->section == "Exec" && written->row->group == OptionGroup::execution)
            last_of_start_ = written;
    }

    // What several keys say together.
    void check_start() {
        auto& start = file_.settings.start;
        if (!start || last_of_start_ == nullptr)
            return;
        if (start->boot.value_or(false) && start->as_pid2.value_or(false))
            add(file_.problems, of_start("ProcessTwo"), FailureKind::invalid,
                "Boot=yes and ProcessTwo=yes exclude each other", "leaving one of them out");
        if (!start->has_mode()) {
            add(file_.warnings, of_start("Parameters"), FailureKind::invalid,
                "Parameters= counts only beside Boot= or ProcessTwo=, ignored", "Boot=no beside it");
            start.reset();
        }
    }

    void check_image() {
        const auto& image = file_.settings.image;
        if (!image || image->directory.has_value() + image->image.has_value() + image->stack.has_value() < 2)
            return;
        const char* later = image->stack ? "RootMStack" : "RootImage";
        const char* earlier = image->directory ? "RootDirectory" : "RootImage";
        const auto found = std::ranges::find_if(
            file_.written, [&](const WrittenSetting& written) { return written.row->key == later; });
        add(file_.problems, *found, FailureKind::invalid,
            std::string{later} + "= and " + earlier + "= exclude each other", "leaving one of them out");
    }

    const WrittenSetting& of_start(std::string_view key) const {
        const auto found = std::ranges::find_if(file_.written, [&](const WrittenSetting& written) {
            return written.row->key == key && written.standing == Standing::counts;
        });
        return found == file_.written.end() ? *last_of_start_ : *found;
    }

    SettingsFile file_;
    std::vector<bool> trusted_; // as many as written
    const WrittenSetting* last_of_start_ = nullptr;
};

} // namespace

std::optional<Path> directory_beside(const Path& image) {
    Path path = image.lexically_normal();
    if (!path.has_filename()) // "/a/b/" names the same as "/a/b"
        path = path.parent_path();
    return path.has_filename() ? std::optional{path.parent_path()} : std::nullopt;
}

SettingsFile parse_settings(std::span<const SettingsSource> sources) {
    Sources read;
    for (const SettingsSource& source : sources)
        read.read(source);
    SettingsFile file = read.finish();
    const auto place = [&](const Problem& problem) {
        return std::pair{std::ranges::find(sources, problem.file, &SettingsSource::path) - sources.begin(),
                         problem.line};
    };
    std::ranges::stable_sort(file.problems, {}, place);
    std::ranges::stable_sort(file.warnings, {}, place);
    return file;
}

SettingsFile parse_settings_file(std::string_view text, const Path& path, bool trusted) {
    const SettingsSource source{path, std::string{text}, trusted};
    return parse_settings({&source, 1});
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
