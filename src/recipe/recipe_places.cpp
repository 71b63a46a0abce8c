// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/recipe_places.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <map>
#include <optional>
#include <sys/stat.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::size_t largest_recipe = 65536;

// Nothing if it is not there, or no file.
std::optional<ParsedRecipe> read_if_exists(const std::filesystem::path& path) {
    const auto file = open_path_if_exists(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file || !S_ISREG(status_of(*file).st_mode))
        return std::nullopt;
    const std::string text = read_all(*file, largest_recipe + 1);
    if (text.size() > largest_recipe)
        throw Failure{FailureKind::invalid, "read recipe '" + path.string() + "': it is longer than any recipe"};
    return parse_recipe(text, path);
}

} // namespace

std::vector<std::filesystem::path> recipe_search_path(const std::filesystem::path& last) {
    std::vector<std::filesystem::path> path{"/etc/machinist/recipes", "/run/machinist/recipes",
                                            "/usr/local/lib/machinist/recipes", "/usr/lib/machinist/recipes"};
    std::erase(path, last);
    path.push_back(last);
    return path;
}

std::vector<ParsedRecipe> list_recipes(const std::vector<std::filesystem::path>& search_path) {
    std::map<std::string, ParsedRecipe> found;
    for (const auto& directory : search_path) {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator{directory, ignored}) {
            const std::string name = entry.path().filename().string();
            if (!is_recipe_name(name) || found.contains(name))
                continue;
            if (auto recipe = read_if_exists(entry.path()))
                found.emplace(name, std::move(*recipe));
        }
    }
    std::vector<ParsedRecipe> recipes;
    for (auto& [name, recipe] : found)
        recipes.push_back(std::move(recipe));
    return recipes;
}

Recipe read_recipe(const std::string& word, const std::vector<std::filesystem::path>& search_path) {
    std::optional<ParsedRecipe> parsed;
    if (word.find('/') != std::string::npos)
        parsed = read_if_exists(std::filesystem::absolute(word).lexically_normal());
    else if (is_recipe_name(word))
        for (const auto& directory : search_path)
            if (!parsed)
                parsed = read_if_exists(directory / word);
    if (!parsed)
        throw Failure{FailureKind::not_found, "no recipe '" + escaped_for_people(word) + "' known"}.try_instead(
            "'machinist build --list', or the path of one");
    if (!parsed->problems.empty())
        throw Failure{FailureKind::invalid, joined(parsed->problems, "\n")};
    return std::move(parsed->recipe);
}

} // namespace machinist
