// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/commit.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/image_changes.hpp"
#include "image/shift_ownership.hpp"
#include "image/tree_copy.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace machinist {

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

} // namespace machinist
