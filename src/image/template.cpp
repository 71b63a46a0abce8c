// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/template.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/shift_ownership.hpp"
#include "image/stack.hpp"
#include "image/tree_copy.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist {

namespace {

bool has_entry(BorrowedFd parent, const std::string& name) {
    struct stat status {};
    return ::fstatat(parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// A snapshot on another filesystem is impossible, which only trying tells.
bool try_snapshot(BorrowedFd source, BorrowedFd parent, const std::string& name) {
    if (!btrfs::is_subvolume(source))
        return false;
    try {
        btrfs::make_snapshot(source, parent, name);
        return true;
    } catch (const Failure& failure) {
        if (failure.error_number() != EXDEV && failure.error_number() != ENOTTY)
            throw;
        return false;
    }
}

LayerKind make_copy(BorrowedFd source, BorrowedFd parent, const std::string& name) {
    if (try_snapshot(source, parent, name))
        return LayerKind::snapshot;
    const bool shared = can_share_extents(source, parent);
    copy_tree(source, parent, name, shared ? Extents::shared : Extents::shared_if_possible);
    // The rename must not reach the disk before what it names.
    if (::syncfs(parent.get()) < 0)
        throw system_failure("write the copy to disk");
    return shared ? LayerKind::reflink : LayerKind::copy;
}

} // namespace

LayerKind make_from_template(const std::filesystem::path& source, const std::filesystem::path& directory) {
    return doing("make '" + directory.string() + "' from template '" + source.string() + "'", [&] {
        const auto place = directory.has_filename() ? directory : directory.parent_path();
        const std::string name = place.filename().string();
        const UniqueFd parent = open_path(place.has_parent_path() ? place.parent_path() : ".", O_RDONLY | O_DIRECTORY);
        if (has_entry(parent, name))
            return LayerKind::none;
        const UniqueFd original = open_image_tree(source);
        const std::string temporary = ".#" + name + "." + random_suffix();
        ScopeExit remove_temporary{[&] {
            try {
                btrfs::remove_subvolume(parent, temporary);
            } catch (const Failure&) {
                // The failure that led here is the one to tell.
            }
        }};
        const LayerKind kind = make_copy(original, parent, temporary);
        // On top of a stack the owners may be those of its machine, below they are not.
        if (is_stack(source))
            shift_ownership(open_beneath(parent, temporary, O_RDONLY | O_DIRECTORY, Links::refuse), 0);
        if (::syscall(SYS_renameat2, parent.get(), temporary.c_str(), parent.get(), name.c_str(), RENAME_NOREPLACE) < 0)
            throw system_failure("rename '" + temporary + "' to '" + name + "'");
        remove_temporary.release();
        return kind;
    });
}

} // namespace machinist
