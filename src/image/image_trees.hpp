// SPDX-License-Identifier: LGPL-2.1-or-later
// The directory trees that an image consists of, for looking at single files without mounting anything.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool_image.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

class ImageTrees {
public:
    // Throws Failure(not_supported) for disk images.
    explicit ImageTrees(const PoolImage& image);

    // As read_untrusted(), in the uppermost tree that has something at path.
    [[nodiscard]] std::optional<std::string> read(const std::filesystem::path& path, std::size_t limit = 65536) const;

    // The uppermost first.
    [[nodiscard]] const std::vector<UniqueFd>& trees() const {
        return trees_;
    }

private:
    std::vector<UniqueFd> trees_;
};

} // namespace machinist
