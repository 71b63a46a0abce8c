// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/files.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

// A tree may be deeper than there are descriptors: what lies deeper than this is moved up to the top first.
constexpr std::size_t deepest = 48;

struct CloseDirectory {
    void operator()(DIR* directory) const {
        ::closedir(directory);
    }
};

struct Level {
    std::unique_ptr<DIR, CloseDirectory> listing;
    std::string name; // in the level above
};

// Attributes that chattr(1) sets and a subvolume's own flag, none of which stops an owner who is asked to remove it.
bool make_writable(int file) {
    int flags = 0;
    bool changed = false;
    if (::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0 && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0) {
        flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
        changed = ::ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
    }
    std::uint64_t subvolume_flags = 0;
    if (::ioctl(file, BTRFS_IOC_SUBVOL_GETFLAGS, &subvolume_flags) == 0 &&
        (subvolume_flags & BTRFS_SUBVOL_RDONLY) != 0) {
        subvolume_flags &= ~BTRFS_SUBVOL_RDONLY;
        changed = ::ioctl(file, BTRFS_IOC_SUBVOL_SETFLAGS, &subvolume_flags) == 0 || changed;
    }
    struct stat status {};
    if (::fstat(file, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & S_IRWXU) != S_IRWXU)
        changed = ::fchmod(file, (status.st_mode & 07777) | S_IRWXU) == 0 || changed;
    return changed;
}

bool make_entry_writable(int directory, const char* name) {
    struct stat status {};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return false;
    // Between the look and the open it may become a fifo: O_NONBLOCK.
    const UniqueFd file{::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    return file && make_writable(file.get());
}

// directory is left as it is unless it belongs to the tree itself.
int unlink_entry(int directory, bool directory_is_ours, const char* name, int flags) {
    for (int attempt = 0;; ++attempt) {
        if (::unlinkat(directory, name, flags) == 0)
            return 0;
        const int error_number = errno;
        const bool may_help = error_number == EPERM || error_number == EACCES || error_number == EROFS;
        if (attempt == 1 || !may_help)
            return error_number;
        const bool directory_changed = directory_is_ours && make_writable(directory);
        if (!make_entry_writable(directory, name) && !directory_changed)
            return error_number;
    }
}

Failure cannot(const std::string& name, int error_number) {
    if (error_number == EXDEV || error_number == EBUSY)
        return Failure{FailureKind::busy, "remove '" + name + "': something is mounted on it", error_number};
    return system_failure("remove '" + name + "'", error_number);
}

// A null listing with errno for what is no directory (any more).
std::unique_ptr<DIR, CloseDirectory> open_listing(int directory, const char* name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    int file = -1;
    for (int attempt = 0; attempt < 64; ++attempt) {
        file = sys::openat2(directory, name, how);
        if (file >= 0 || errno != EAGAIN)
            break;
    }
    if (file < 0 && errno == EACCES && ::fchmodat(directory, name, S_IRWXU, 0) == 0)
        file = sys::openat2(directory, name, how);
    if (file < 0)
        return nullptr;
    DIR* listing = ::fdopendir(file);
    if (listing == nullptr)
        ::close(file);
    return std::unique_ptr<DIR, CloseDirectory>{listing};
}

class Remover {
public:
    explicit Remover(BorrowedFd parent) : parent_(parent.get()) {}

    void remove(const std::string& name) {
        enter(parent_, name.c_str(), false);
        while (!levels_.empty())
            step();
    }

private:
    [[nodiscard]] int current() const {
        return ::dirfd(levels_.back().listing.get());
    }

    // Removes what is no directory at once; begins to list what is one.
    void enter(int directory, const char* name, bool is_directory) {
        int error_number = ENOTDIR;
        if (!is_directory) {
            error_number = unlink_entry(directory, !levels_.empty(), name, 0);
            if (error_number == 0 || error_number == ENOENT)
                return;
            if (error_number != EISDIR && error_number != EPERM)
                throw cannot(name, error_number);
        }
        auto listing = open_listing(directory, name);
        if (!listing && errno == ENOENT)
            return;
        if (!listing)
            throw cannot(name, errno == ENOTDIR || errno == ELOOP ? error_number : errno);
        levels_.push_back({std::move(listing), name});
    }

    void step() {
        errno = 0;
        const dirent* entry = ::readdir(levels_.back().listing.get());
        if (entry == nullptr && errno != 0)
            throw system_failure("list '" + levels_.back().name + "'");
        if (entry == nullptr) {
            leave();
            return;
        }
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..")
            return;
        const bool is_directory = entry->d_type == DT_DIR;
        if (levels_.size() >= deepest && (is_directory || entry->d_type == DT_UNKNOWN) && move_up(entry->d_name))
            return;
        enter(current(), entry->d_name, is_directory);
    }

    // Only directories: the rest goes at once.
    bool move_up(const char* name) {
        struct stat status {};
        if (::fstatat(current(), name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(status.st_mode))
            return false;
        const int top = ::dirfd(levels_.front().listing.get());
        for (int attempt = 0; attempt < 2;) {
            const std::string new_name = ".#deep." + std::to_string(moved_++);
            if (::syscall(SYS_renameat2, current(), name, top, new_name.c_str(), RENAME_NOREPLACE) == 0) {
                again_ = true;
                return true;
            }
            if (errno == EEXIST)
                continue;
            ++attempt;
            make_writable(current());
            make_writable(top);
            make_entry_writable(current(), name);
        }
        return false;
    }

    void leave() {
        // What was moved to the top while it was listed may have been missed.
        if (levels_.size() == 1 && std::exchange(again_, false)) {
            ::rewinddir(levels_.front().listing.get());
            return;
        }
        const std::string name = std::move(levels_.back().name);
        const int directory = levels_.size() == 1 ? parent_ : ::dirfd(levels_[levels_.size() - 2].listing.get());
        const int error_number = unlink_entry(directory, levels_.size() > 1, name.c_str(), AT_REMOVEDIR);
        // Somebody adds to it, or readdir missed some while others went: once more, but not for ever.
        if (error_number == ENOTEMPTY && ++repeated_ < 1000) {
            ::rewinddir(levels_.back().listing.get());
            levels_.back().name = name;
            return;
        }
        if (error_number != 0 && error_number != ENOENT)
            throw cannot(name, error_number);
        levels_.pop_back();
    }

    int parent_;
    std::vector<Level> levels_;
    unsigned long moved_ = 0;
    int repeated_ = 0;
    bool again_ = false;
};

} // namespace

void remove_tree(BorrowedFd parent, const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
        throw Failure{FailureKind::invalid, "remove '" + name + "': it is not the name of an entry"};
    doing("remove '" + name + "' and all below", [&] { Remover{parent}.remove(name); });
}

} // namespace machinist
