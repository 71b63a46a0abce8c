// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a tree from a recipe, there whole or not at all; a tree that was made from the same recipe is kept.
#pragma once

#include "image/pool.hpp"
#include "recipe/recipe.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct BuildRequest {
    std::string name;                 // of the tree
    std::vector<std::string> mirrors; // instead of the recipe's and the host's
    bool replace = false;             // what is there and was made from something else
    bool anew = false;                // also what was made from the same recipe
};

enum class Built { kept, made, replaced };

struct BuiltTree {
    std::filesystem::path path;
    Built how = Built::kept;
    std::vector<std::filesystem::path> left; // what it took the place of, for remove_set_aside()
};

// What is being done, from a fixed list, and what mmdebstrap said last; said again every half second.
using OnStage = std::function<void(std::string_view stage, std::string_view line)>;

// Into the pool. Throws Failure: already_exists for an image that is there and may not be replaced; busy for one that a
// machine uses.
BuiltTree build_image(const Pool& pool, const Recipe& recipe, const BuildRequest& request, const OnStage& on_stage);

// As directory/NAME, a place that is no pool.
BuiltTree build_tree(const std::filesystem::path& directory, const Recipe& recipe, const BuildRequest& request,
                     const OnStage& on_stage);

// The same for what makes the same tree. Pure but for the files that the recipe brings along.
std::string key_of_build(const Recipe& recipe, const std::vector<std::string>& mirrors);

} // namespace machinist
