// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_lock.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace machinist {

namespace {

// systemd locks with open file description locks, older programs of its family and ours with flock(2), and neither
// kind sees the other: both are taken.
bool take_locks(BorrowedFd file, LockMode mode) {
    if (::flock(file.get(), (mode == LockMode::exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return false;
        throw system_failure("lock");
    }
    struct flock whole {};
    whole.l_type = mode == LockMode::exclusive ? F_WRLCK : F_RDLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(file.get(), F_OFD_SETLK, &whole) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return false;
        throw system_failure("lock");
    }
    return true;
}

bool is_removed(BorrowedFd file) {
    return status_of(file).st_nlink == 0;
}

bool same_file(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

Failure busy(const std::filesystem::path& directory, bool is_tree, LockMode wanted, bool others_only_read) {
    Failure failure{FailureKind::busy,
                    (is_tree ? "directory tree '" : "disk image '") + directory.string() + "' is currently busy"};
    if (wanted == LockMode::exclusive && others_only_read)
        failure.try_instead("-x, which leaves the image as it is");
    else
        failure.try_instead("to end the machine that uses it first, or -x with --layer=copy");
    return failure;
}

// Without a trailing slash, so that it has a last component.
std::filesystem::path plain(const std::filesystem::path& directory) {
    const auto normal = std::filesystem::absolute(directory).lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
}

class Taking {
public:
    Taking(const std::filesystem::path& directory, const struct stat& image, LockMode mode)
        : directory_(directory), image_(image), mode_(mode) {}

    void take(const std::filesystem::path& path) {
        auto file = lock_file(path, mode_);
        if (!file)
            throw busy(directory_, S_ISDIR(image_.st_mode), mode_,
                       mode_ == LockMode::exclusive && lock_file(path, LockMode::shared).has_value());
        taken_.descriptors.push_back(std::move(*file));
        taken_.paths.push_back(path);
    }

    void take_inode(const std::filesystem::path& locks) {
        take(locks / ("inode-" + std::to_string(image_.st_dev) + ":" + std::to_string(image_.st_ino)));
    }

    ImageLock taken() {
        return std::move(taken_);
    }

private:
    const std::filesystem::path& directory_;
    const struct stat& image_;
    LockMode mode_;
    ImageLock taken_;
};

} // namespace

LockMode lock_mode_for(const RootSpec& root) {
    switch (root.layer) {
    case LayerKind::snapshot:
    case LayerKind::reflink:
    case LayerKind::copy: return LockMode::none;
    case LayerKind::tmpfs:
    case LayerKind::disk: return LockMode::shared;
    case LayerKind::none: break;
    }
    return root.read_only || root.volatile_mode != VolatileMode::no ? LockMode::shared : LockMode::exclusive;
}

std::optional<UniqueFd> lock_file(const std::filesystem::path& path, LockMode mode) {
    return doing("lock file '" + path.string() + "'", [&]() -> std::optional<UniqueFd> {
        for (;;) {
            UniqueFd file = open_path(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
            if (!S_ISREG(status_of(file).st_mode))
                throw Failure{FailureKind::hostile, "it is not a regular file"};
            if (!take_locks(file, mode))
                return std::nullopt;
            // Its last owner may have removed it between our open and our lock.
            if (!is_removed(file))
                return file;
        }
    });
}

bool remove_lock_file_if_free(const std::filesystem::path& path) {
    const auto file = open_path_if_exists(path, O_RDWR | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (!file)
        return true;
    if (!S_ISREG(status_of(*file).st_mode) || !take_locks(*file, LockMode::exclusive))
        return false;
    struct stat there {};
    if (::lstat(path.c_str(), &there) < 0 || !same_file(there, status_of(*file)))
        return errno == ENOENT;
    return ::unlink(path.c_str()) == 0;
}

ImageLock lock_image(const std::filesystem::path& directory, LockMode mode, const std::filesystem::path& locks) {
    if (mode == LockMode::none)
        return {};
    const struct stat image = status_of(open_path(directory, O_PATH));
    if (same_file(image, status_of(open_path("/", O_PATH))))
        return {};
    make_directories(locks, 0700);
    Taking taking{directory, image, mode};
    if (S_ISBLK(image.st_mode)) {
        taking.take(locks /
                    ("block-" + std::to_string(major(image.st_rdev)) + ":" + std::to_string(minor(image.st_rdev))));
        return taking.taken();
    }
    taking.take_inode(locks);
    const auto place = plain(directory);
    try {
        taking.take(place.parent_path() / (".#" + place.filename().string() + ".lck"));
    } catch (const Failure& failure) {
        // Where nobody may write, nobody can lock either; the lock by inode holds for this host.
        if (failure.error_number() != EROFS)
            throw;
    }
    return taking.taken();
}

ImageLock lock_opened_tree(BorrowedFd tree, const std::filesystem::path& directory, LockMode mode,
                           const std::filesystem::path& locks) {
    if (mode == LockMode::none)
        return {};
    const struct stat image = status_of(tree);
    make_directories(locks, 0700);
    Taking taking{directory, image, mode};
    taking.take_inode(locks);
    return taking.taken();
}

void let_go(ImageLock& lock) {
    lock.descriptors.clear();
    for (const auto& path : lock.paths) {
        try {
            remove_lock_file_if_free(path);
        } catch (const Failure&) {
            // A lock file too many harms nobody.
        }
    }
    lock.paths.clear();
}

ImageLock lock_image_name(std::string_view name, LockMode mode, const std::filesystem::path& locks) {
    ImageLock result;
    if (mode == LockMode::none)
        return result;
    make_directories(locks, 0700);
    const auto path = locks / ("name-" + std::string{name});
    auto file = lock_file(path, mode);
    if (!file)
        throw Failure{FailureKind::busy, "image '" + std::string{name} + "' is currently busy"};
    result.descriptors.push_back(std::move(*file));
    result.paths.push_back(path);
    return result;
}

} // namespace machinist
