// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/commit.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/layered_clone.hpp"
#include "image/shift_ownership.hpp"
#include "image/stack.hpp"
#include "image/tree_copy.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/xattr.h>
#include <unistd.h>

namespace machinist {

namespace {

// Files of which an overlay holds owner and mode only: without the layer below they are nothing, and other overlays do
// not look for it.
bool has_metadata_copies(const std::filesystem::path& upper) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{upper, ignored})
        if (entry.symlink_status().type() == std::filesystem::file_type::regular &&
            ::lgetxattr(entry.path().c_str(), "trusted.overlay.metacopy", nullptr, 0) >= 0)
            return true;
    return false;
}

} // namespace

void commit_tree(const Pool& pool, BorrowedFd root, std::string_view new_name) {
    const ImageHold hold{pool, new_name};
    const auto& directory = pool.places().new_images;
    make_directories(directory, 0700);
    const UniqueFd parent = open_path(directory, O_RDONLY | O_DIRECTORY);
    const std::string temporary = ".#" + random_suffix();
    ScopeExit remove_temporary{[&] {
        try {
            remove_tree(parent, temporary);
        } catch (const Failure&) {
            // The failure that led here is the one to tell.
        }
    }};
    copy_tree(root, parent, temporary, Extents::shared_if_possible);
    shift_ownership(open_beneath(parent, temporary, O_RDONLY | O_DIRECTORY, Links::refuse), 0);
    // The rename must not reach the disk before what it names.
    if (::syncfs(parent.get()) < 0)
        throw system_failure("write the copy to disk");
    const std::string name{new_name};
    if (::renameat2(parent.get(), temporary.c_str(), parent.get(), name.c_str(), RENAME_NOREPLACE) < 0)
        throw system_failure("rename '" + temporary + "' to '" + name + "'");
    remove_temporary.release();
}

bool commit_by_layers(const Pool& pool, const PoolImage& image, const std::filesystem::path& written,
                      std::string_view new_name) {
    if ((image.type != ImageType::directory && image.type != ImageType::mstack) ||
        (written.empty() && image.type != ImageType::mstack) || (!written.empty() && has_metadata_copies(written)))
        return false;
    const ImageHold hold{pool, new_name};
    const auto& directory = pool.places().new_images;
    make_directories(directory, 0700);
    const CloneSource source = hold_clone_source(pool, image);
    return clone_by_layers(pool.places(), image, directory / (std::string{new_name} + stack_suffix),
                           source.only_readers, written);
}

} // namespace machinist
