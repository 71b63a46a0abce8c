// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/recipe.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

namespace machinist {

namespace {

constexpr std::array<std::string_view, 10> variants{"extract", "custom", "essential", "apt",         "required",
                                                    "minbase", "buildd", "important", "debootstrap", "standard"};

bool is_lower_or_digit(char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

bool is_word_of(std::string_view text, std::string_view also) {
    return !text.empty() && text.size() <= 128 && is_lower_or_digit(text.front()) &&
           std::ranges::all_of(text, [&](char character) {
               return is_lower_or_digit(character) || also.find(character) != std::string_view::npos;
           });
}

bool is_uri(std::string_view text) {
    constexpr std::array<std::string_view, 5> schemes{"http://", "https://", "ftp://", "file:///", "copy:///"};
    return std::ranges::any_of(
        schemes, [&](std::string_view scheme) { return text.starts_with(scheme) && text.size() > scheme.size(); });
}

// Days since 1970 of a date of the Gregorian calendar; nothing for one that there is not.
std::optional<std::int64_t> days_since_1970(int year, unsigned month, unsigned day) {
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
    if (!date.ok())
        return std::nullopt;
    return std::chrono::sys_days{date}.time_since_epoch().count();
}

// "20250901T123456Z", "20250901" and "2025-09-01".
bool read_moment(std::string text, Recipe& recipe) {
    std::erase(text, '-');
    if (text.size() == 8)
        text += "T000000Z";
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z')
        return false;
    const auto part = [&](std::size_t at, std::size_t length) {
        return parse_integer<unsigned>(std::string_view{text}.substr(at, length));
    };
    const auto year = part(0, 4);
    const auto month = part(4, 2);
    const auto day = part(6, 2);
    const auto hour = part(9, 2);
    const auto minute = part(11, 2);
    const auto second = part(13, 2);
    if (!year || !month || !day || !hour || !minute || !second || *year < 1990 || *hour > 23 || *minute > 59 ||
        *second > 59)
        return false;
    const auto days = days_since_1970(static_cast<int>(*year), *month, *day);
    if (!days)
        return false;
    recipe.snapshot = text;
    recipe.snapshot_epoch = ((*days * 24 + *hour) * 60 + *minute) * 60 + *second;
    return true;
}

using Problem = std::optional<std::string>;

Problem take_description(Recipe& recipe, const std::string& value) {
    recipe.description = value;
    return !is_utf8(value) || has_control_characters(value) ? Problem{"it is no text for people"} : std::nullopt;
}

Problem take_suite(Recipe& recipe, const std::string& value) {
    recipe.suite = value;
    return is_word_of(value, ".-") ? std::nullopt : Problem{"it is no name of a suite such as bookworm"};
}

Problem take_variant(Recipe& recipe, const std::string& value) {
    recipe.variant = value;
    if (std::ranges::find(variants, value) != variants.end())
        return std::nullopt;
    std::string known;
    for (const std::string_view variant : variants)
        known.append(known.empty() ? "" : ", ").append(variant);
    return "it is none of " + known;
}

template <typename IsOne>
Problem take_words(std::vector<std::string>& into, const std::string& value, const char* what, IsOne&& is_one) {
    for (const std::string_view word : split_words(value)) {
        if (!is_one(word))
            return "'" + escaped_for_people(word) + "' is no " + what;
        into.emplace_back(word);
    }
    return std::nullopt;
}

Problem take_packages(Recipe& recipe, const std::string& value) {
    return take_words(recipe.packages, value, "name of a package",
                      [](std::string_view word) { return word.size() > 1 && is_word_of(word, "+.-:"); });
}

Problem take_components(Recipe& recipe, const std::string& value) {
    recipe.components.clear();
    return take_words(recipe.components, value, "component of an archive",
                      [](std::string_view word) { return is_word_of(word, "-/"); });
}

Problem take_mirrors(Recipe& recipe, const std::string& value) {
    return take_words(recipe.mirrors, value, "address of an archive (http, https, ftp, file or copy)", is_uri);
}

Problem take_files(Recipe& recipe, const std::string& value) {
    const std::filesystem::path path{value};
    if (value.empty() || has_control_characters(value) ||
        std::ranges::any_of(path, [](const auto& part) { return part == ".."; }))
        return "it is no path of a directory";
    recipe.files.push_back(recipe.path.parent_path() / path);
    return std::nullopt;
}

Problem take_snapshot(Recipe& recipe, const std::string& value) {
    return read_moment(value, recipe) ? std::nullopt
                                      : Problem{"it is no moment such as 20250901T000000Z or 2025-09-01"};
}

struct Key {
    std::string_view name;
    bool is_list; // may come again
    Problem (*take)(Recipe&, const std::string& value);
};
constexpr std::array keys{Key{"description", false, take_description},
                          Key{"suite", false, take_suite},
                          Key{"variant", false, take_variant},
                          Key{"packages", true, take_packages},
                          Key{"components", false, take_components},
                          Key{"mirror", true, take_mirrors},
                          Key{"files", true, take_files},
                          Key{"snapshot", false, take_snapshot}};

std::string known_keys() {
    std::string list;
    for (const Key& key : keys)
        list.append(list.empty() ? "" : ", ").append(key.name);
    return list;
}

} // namespace

bool is_recipe_name(std::string_view text) {
    return is_word_of(text, "-+_");
}

ParsedRecipe parse_recipe(std::string_view text, const std::filesystem::path& path) {
    ParsedRecipe parsed;
    Recipe& recipe = parsed.recipe;
    recipe.path = path;
    recipe.name = path.filename().string();
    const std::string shown = escaped_for_people(path.native());
    std::set<std::string_view> seen;
    std::size_t number = 0;
    for (const std::string_view whole : split(text, '\n')) {
        ++number;
        const std::string_view line = trimmed(whole);
        if (line.empty() || line.starts_with('#'))
            continue;
        const auto problem = [&](const std::string& sentence) {
            parsed.problems.push_back(shown + ":" + std::to_string(number) + ": " + sentence);
        };
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            problem("'" + escaped_for_people(line) + "' is no KEY=VALUE");
            continue;
        }
        const std::string_view name = trimmed(line.substr(0, equals));
        const std::string value{trimmed(line.substr(equals + 1))};
        const auto key = std::ranges::find(keys, name, &Key::name);
        if (key == keys.end())
            problem("unknown key '" + escaped_for_people(name) + "'; known are " + known_keys());
        else if (!seen.insert(key->name).second && !key->is_list)
            problem("'" + std::string{name} + "=' is there already");
        else if (const Problem wrong = key->take(recipe, value))
            problem(std::string{name} + "=" + escaped_for_people(value) + ": " + *wrong);
    }
    if (!seen.contains("suite"))
        parsed.problems.push_back(shown + ":" + std::to_string(number) + ": 'suite=' is missing");
    return parsed;
}

} // namespace machinist
