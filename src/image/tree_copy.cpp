// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/tree_copy.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace machinist {

namespace {

// cp gets the directories as descriptors: nobody can put others in their place meanwhile.
UniqueFd to_inherit(BorrowedFd directory) {
    UniqueFd duplicate{::fcntl(directory.get(), F_DUPFD, 3)};
    if (!duplicate)
        throw system_failure("duplicate a descriptor");
    return duplicate;
}

} // namespace

bool can_share_extents(BorrowedFd source, BorrowedFd parent) {
    // Subvolumes of one btrfs have different device numbers and share extents all the same, but not with another
    // filesystem: only trying tells. Unnamed files are gone by themselves.
    const std::string parent_path = path_of_descriptor(parent);
    const UniqueFd from{::open(path_of_descriptor(source).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    const UniqueFd into{::open(parent_path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (!from || !into)
        return false;
    const std::string block(4096, 'x');
    write_all(from, block);
    return ::ioctl(into.get(), FICLONE, from.get()) == 0;
}

void copy_tree(BorrowedFd source, BorrowedFd parent, const std::string& name, Extents extents) {
    const UniqueFd from = to_inherit(source);
    const UniqueFd into = to_inherit(parent);
    const auto result = run_program({"cp", "--archive", "--one-file-system", "--no-target-directory",
                                     extents == Extents::shared ? "--reflink=always" : "--reflink=auto", "--",
                                     path_of_descriptor(from) + "/.", path_of_descriptor(into) + "/" + name});
    if (result.status != 0)
        throw Failure{FailureKind::system, "copy the tree to '" + name + "': cp ended with status " +
                                               std::to_string(result.status) + " (it has said why)"};
}

} // namespace machinist
