// SPDX-License-Identifier: LGPL-2.1-or-later
// Mount stacks "NAME.mstack": read-only trees above each other, and what is written on top (systemd's form of them).
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace machinist {

struct Stack {
    std::vector<std::filesystem::path> layers;        // the lowest first
    std::optional<std::filesystem::path> upper_space; // holds "data" and "work"; nothing: nobody writes to it
};

inline constexpr const char* stack_suffix = ".mstack";

// By its name.
bool is_stack(const std::filesystem::path& directory);

// Throws Failure: not_supported for what is understood but not to be had, hostile for a layer that is not there.
Stack read_stack(const std::filesystem::path& directory);

// A layer that is announced, but whose tree is still what is written on top: see clone_by_layers().
bool is_announced_layer(const std::filesystem::path& link);

// The tree of an image as a machine would find it, for looking only: the directory itself, or a mount of all layers
// that is attached nowhere and goes with its descriptor. The latter needs root.
UniqueFd open_image_tree(const std::filesystem::path& directory);
// Without what was written on top.
UniqueFd open_layers(const Stack& stack);

} // namespace machinist
