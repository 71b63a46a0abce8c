// SPDX-License-Identifier: LGPL-2.1-or-later
// Where recipes are found by name.
#pragma once

#include "recipe/recipe.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

// One in an earlier directory hides those of its name in later ones. last: where ours are installed.
std::vector<std::filesystem::path> recipe_search_path(const std::filesystem::path& last);

// By name; with what is wrong in them.
std::vector<ParsedRecipe> list_recipes(const std::vector<std::filesystem::path>& search_path);

// word: a name, or a path with a slash. Throws Failure: not_found; invalid with all problems.
Recipe read_recipe(const std::string& word, const std::vector<std::filesystem::path>& search_path);

} // namespace machinist
