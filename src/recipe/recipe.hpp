// SPDX-License-Identifier: LGPL-2.1-or-later
// A recipe: what an image is to be made of, as data. Pure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct Recipe {
    std::string name;
    std::filesystem::path path;
    std::string description;
    std::string suite;               // of the archive: bookworm, sid, ...
    std::string variant = "minbase"; // what there is beside packages, in mmdebstrap's words
    std::vector<std::string> packages;
    std::vector<std::string> components{"main"};
    std::vector<std::string> mirrors;           // empty: those that the host's apt knows
    std::vector<std::filesystem::path> files;   // directories that are laid over the tree, in this order
    std::optional<std::string> snapshot;        // "20250901T000000Z": the archive as it was then
    std::optional<std::int64_t> snapshot_epoch; // the same in seconds since 1970
};

struct ParsedRecipe {
    Recipe recipe;
    std::vector<std::string> problems; // "FILE:LINE: sentence", all there are
};

// Lines KEY=VALUE; "#" at the beginning makes a comment. Keys of lists may come again and add to them.
ParsedRecipe parse_recipe(std::string_view text, const std::filesystem::path& path);

// What a list of recipes may be called by: no path, nothing hidden, nothing with a suffix.
bool is_recipe_name(std::string_view text);

} // namespace machinist
