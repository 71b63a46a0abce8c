// SPDX-License-Identifier: LGPL-2.1-or-later
// Mount stacks "NAME.mstack": read-only trees above each other, what is written on top, and what is bound into them
// (systemd.mstack(7)).
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// A directory or disk image of the stack that is seen at a place in it.
struct StackPart {
    std::filesystem::path source;
    std::filesystem::path destination; // absolute, in the tree
    bool read_only = false;
};

struct Stack {
    std::vector<std::filesystem::path> layers;        // the lowest first
    std::optional<std::filesystem::path> upper_space; // holds "data" and "work"; nothing: nobody writes to it
    std::optional<std::filesystem::path> root;        // of the layers only /usr is seen in it
    bool root_is_read_only = false;
    std::vector<StackPart> parts; // parents before children
    bool has_disks = false;       // layers or parts are disk images

    // Nothing but layers that are directories, and what is written on them.
    [[nodiscard]] bool is_plain() const {
        return !root && parts.empty() && !has_disks;
    }
};

inline constexpr const char* stack_suffix = ".mstack";

// By its name.
bool is_stack(const std::filesystem::path& directory);

// Throws Failure: not_supported for what is understood but not to be had, hostile for a layer that is not there.
Stack read_stack(const std::filesystem::path& directory);

// A layer that is announced, but whose tree is still what is written on top: see clone_by_layers().
bool is_announced_layer(const std::filesystem::path& link);

// "var-lib" is "/var/lib", "-" is "/", "\x2d" is a dash: as units name mount points. Nothing for what is no path. Pure.
std::optional<std::filesystem::path> path_from_unit_name(std::string_view escaped);

// The tree of an image as a machine would find it, for looking only: the directory itself, or a mount of all layers
// that is attached nowhere and goes with its descriptor. The latter needs root.
UniqueFd open_image_tree(const std::filesystem::path& directory);
// Without what was written on top.
UniqueFd open_layers(const Stack& stack);

} // namespace machinist
