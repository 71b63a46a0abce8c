// SPDX-License-Identifier: LGPL-2.1-or-later
// A directory that is not empty is moved up to the top and emptied from there: nothing is ever deeper than two
// levels below us, so neither a deep tree nor one that is rearranged meanwhile can lead us astray (rules R1, R15).
#include "supervisor/keeper/removal.hpp"

#include "kernel/syscalls.hpp"
#include "supervisor/keeper/directory_entries.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <cstring>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace machinist::keeper {

namespace {

// Subvolumes within subvolumes: nothing can be moved out of one, so each takes a level of ours.
constexpr int deepest_subvolume = 8;
constexpr unsigned entries_per_look_at_the_clock = 64;

class Emptying {
public:
    Emptying(BorrowedFd top, Milliseconds until, int depth) : top_(top), until_(until), depth_(depth) {}

    Removal run() {
        do {
            progress_ = false;
            reason_ = 0;
            DirectoryEntries entries{top_};
            while (const dirent64* entry = entries.next()) {
                if (time_is_up())
                    return Removal::unfinished;
                remove_from_top(*entry);
            }
        } while (progress_);
        errno = reason_;
        return out_of_time_ ? Removal::unfinished : reason_ != 0 ? Removal::failed : Removal::done;
    }

private:
    bool time_is_up() {
        if (++seen_ % entries_per_look_at_the_clock == 0 && now() >= until_)
            out_of_time_ = true;
        return out_of_time_;
    }

    // Immutable and append-only files are no protection against the one who removes the tree.
    // False leaves errno as it was.
    static bool cleared_flags(BorrowedFd directory, const char* name, unsigned char type) {
        const int reason = errno;
        const bool cleared = (type == DT_REG || type == DT_DIR) && clear_flags(directory, name);
        errno = reason;
        return cleared;
    }

    static bool clear_flags(BorrowedFd directory, const char* name) {
        const UniqueFd file{sys::openat2(directory.get(), name,
                                         {.flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                                          .mode = 0,
                                          .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH})};
        int flags = 0;
        if (!file || ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0 ||
            (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) == 0)
            return false;
        flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
        return ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) == 0;
    }

    // False leaves errno: ENOTEMPTY or EEXIST for a directory that must be emptied first.
    static bool unlink_entry(BorrowedFd directory, const dirent64& entry) {
        const int flags = entry.d_type == DT_DIR ? AT_REMOVEDIR : 0;
        for (bool cleared = false;;) {
            if (::unlinkat(directory.get(), entry.d_name, flags) == 0 || errno == ENOENT)
                return true;
            if (errno == EISDIR && entry.d_type == DT_UNKNOWN)
                return ::unlinkat(directory.get(), entry.d_name, AT_REMOVEDIR) == 0 || errno == ENOENT;
            if (errno != EPERM || cleared || !cleared_flags(directory, entry.d_name, entry.d_type))
                return false;
            cleared = true;
        }
    }

    static bool is_filled_directory(const dirent64& entry) {
        // EPERM: a subvolume.
        return (entry.d_type == DT_DIR || entry.d_type == DT_UNKNOWN) &&
               (errno == ENOTEMPTY || errno == EEXIST || errno == EPERM);
    }

    void remove_from_top(const dirent64& entry) {
        if (unlink_entry(top_, entry)) {
            progress_ = true;
            return;
        }
        if (!is_filled_directory(entry)) {
            fail();
            return;
        }
        // RESOLVE_NO_XDEV: what is mounted there is not ours to empty.
        const UniqueFd nested{sys::openat2(top_.get(), entry.d_name,
                                           {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                                            .mode = 0,
                                            .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH})};
        if (!nested) {
            fail();
            return;
        }
        if (is_subvolume(nested)) {
            // Nothing can be lifted out of one, and it may be read-only.
            if (!empty_in_place(top_, entry))
                fail();
            return;
        }
        cleared_flags(top_, entry.d_name, DT_DIR);
        lift_all(nested);
        if (!out_of_time_ && ::unlinkat(top_.get(), entry.d_name, AT_REMOVEDIR) == 0)
            progress_ = true;
        else if (!out_of_time_)
            fail();
    }

    static bool is_subvolume(BorrowedFd directory) {
        struct stat status {};
        struct statfs filesystem {};
        return ::fstat(directory.get(), &status) == 0 && status.st_ino == BTRFS_FIRST_FREE_OBJECTID &&
               ::fstatfs(directory.get(), &filesystem) == 0 && filesystem.f_type == BTRFS_SUPER_MAGIC;
    }

    void lift_all(BorrowedFd nested) {
        DirectoryEntries entries{nested};
        while (const dirent64* entry = entries.next()) {
            if (time_is_up())
                return;
            if (unlink_entry(nested, *entry)) {
                progress_ = true;
                continue;
            }
            if (!is_filled_directory(*entry) || !lift(nested, *entry))
                fail();
        }
    }

    bool lift(BorrowedFd nested, const dirent64& entry) {
        for (bool cleared = false;;) {
            Text<32> name;
            name << ".#lifted." << lifted_++;
            if (::renameat2(nested.get(), entry.d_name, top_.get(), name.c_str(), RENAME_NOREPLACE) == 0) {
                progress_ = true;
                return true;
            }
            if (errno == EEXIST)
                continue;
            // Across subvolumes, or a read-only one itself.
            if (errno == EXDEV || errno == EROFS)
                return empty_in_place(nested, entry);
            if (errno != EPERM || cleared || !cleared_flags(nested, entry.d_name, DT_DIR))
                return false;
            cleared = true;
        }
    }

    bool empty_in_place(BorrowedFd nested, const dirent64& entry) {
        if (depth_ + 1 >= deepest_subvolume)
            return false;
        switch (remove_inner_subvolume(nested, entry.d_name, until_, depth_ + 1)) {
        case Removal::done: progress_ = true; return true;
        case Removal::unfinished: out_of_time_ = true; return true;
        case Removal::failed: break;
        }
        return false;
    }

    void fail() {
        reason_ = errno != 0 ? errno : EBUSY;
    }

public:
    static Removal remove_inner_subvolume(BorrowedFd parent, const char* name, Milliseconds until, int depth);

private:
    BorrowedFd top_;
    Milliseconds until_;
    int depth_;
    unsigned seen_ = 0;
    std::uint64_t lifted_ = 0;
    bool progress_ = false;
    bool out_of_time_ = false;
    int reason_ = 0;
};

Removal Emptying::remove_inner_subvolume(BorrowedFd parent, const char* name, Milliseconds until, int depth) {
    btrfs_ioctl_vol_args_v2 arguments{};
    if (std::strlen(name) < sizeof arguments.name) {
        std::strcpy(arguments.name, name);
        if (::ioctl(parent.get(), BTRFS_IOC_SNAP_DESTROY_V2, &arguments) == 0)
            return Removal::done;
    }
    const UniqueFd directory{sys::openat2(parent.get(), name,
                                          {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                                           .mode = 0,
                                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH})};
    if (!directory)
        return errno == ENOENT ? Removal::done : Removal::failed;
    std::uint64_t flags = 0;
    if (::ioctl(directory.get(), BTRFS_IOC_SUBVOL_GETFLAGS, &flags) == 0 && (flags & BTRFS_SUBVOL_RDONLY) != 0) {
        flags &= ~static_cast<std::uint64_t>(BTRFS_SUBVOL_RDONLY);
        ::ioctl(directory.get(), BTRFS_IOC_SUBVOL_SETFLAGS, &flags);
    }
    const Removal removal = Emptying{directory, until, depth}.run();
    if (removal != Removal::done)
        return removal;
    return ::unlinkat(parent.get(), name, AT_REMOVEDIR) == 0 || errno == ENOENT ? Removal::done : Removal::failed;
}

} // namespace

Removal empty_directory(BorrowedFd directory, Milliseconds until) {
    return Emptying{directory, until, 0}.run();
}

Removal remove_entry(BorrowedFd parent, const char* name, Milliseconds until) {
    if (::unlinkat(parent.get(), name, 0) == 0 || errno == ENOENT)
        return Removal::done;
    if (::unlinkat(parent.get(), name, AT_REMOVEDIR) == 0)
        return Removal::done;
    if (errno == EBUSY)
        return Removal::failed;
    return Emptying::remove_inner_subvolume(parent, name, until, 0);
}

Removal remove_subvolume(BorrowedFd parent, const char* name, Milliseconds until) {
    return Emptying::remove_inner_subvolume(parent, name, until, 0);
}

} // namespace machinist::keeper
