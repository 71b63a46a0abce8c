// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_trees.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace machinist {

ImageTrees::ImageTrees(const PoolImage& image) {
    if (image.type == ImageType::raw || image.type == ImageType::block)
        throw Failure{FailureKind::not_supported,
                      "look into image '" + image.name + "': disk images are not built yet in this version"};
    trees_.push_back(open_path(image.path, O_RDONLY | O_DIRECTORY));
}

std::optional<std::string> ImageTrees::read(const std::filesystem::path& path, std::size_t limit) const {
    for (const UniqueFd& tree : trees_)
        if (auto text = read_untrusted(tree, path, limit))
            return text;
    return std::nullopt;
}

} // namespace machinist
