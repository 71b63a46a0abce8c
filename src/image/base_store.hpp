// SPDX-License-Identifier: LGPL-2.1-or-later
// Trees that layered images share. Each is there for as long as an image refers to it.
//
// BASES/ID/tree         the tree; nobody writes to it
// BASES/ID/references   an empty file; each image that refers to the base has a hard link to it, ".base-ID", so the
//                       filesystem counts: an image that is moved, or deleted by hand, needs nobody to tell us
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

struct NewBase {
    std::filesystem::path directory;
    UniqueFd lock; // as long as it is held, a base without references is left alone
    [[nodiscard]] std::filesystem::path tree() const {
        return directory / "tree";
    }
};

// Without a tree yet.
NewBase make_base(const std::filesystem::path& bases);

// stack gets a layer of that name: a link to the base's tree, and the reference.
void add_layer(const std::filesystem::path& stack, const std::string& layer, const std::filesystem::path& base);
// For the layer that add_layer() made last, if its tree did not come.
void drop_layer(const std::filesystem::path& stack, const std::string& layer);

// Sets bases aside that nothing refers to, and returns what is left of them.
std::vector<std::filesystem::path> collect_bases(const std::filesystem::path& bases,
                                                 const std::filesystem::path& locks);

} // namespace machinist
