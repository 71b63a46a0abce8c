// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/shared_base.hpp"

#include "base/failure.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

constexpr const char* references = "references";

void share(BorrowedFd file) {
    while (::flock(file.get(), LOCK_SH) < 0)
        if (errno != EINTR)
            throw system_failure("lock a base");
}

} // namespace

std::optional<NewBase> hold_base(const std::filesystem::path& bases, const std::string& id) {
    const auto directory = bases / id;
    // Whoever removes it holds the lock alone, and what we waited for may be gone then.
    for (;;) {
        auto file = open_path_if_exists(directory / references, O_RDONLY | O_NOFOLLOW);
        if (!file)
            return std::nullopt;
        share(*file);
        struct stat there {};
        const struct stat held = status_of(*file);
        if (::lstat((directory / references).c_str(), &there) == 0 && there.st_ino == held.st_ino &&
            there.st_dev == held.st_dev)
            return NewBase{directory, std::move(*file)};
    }
}

SharedBase::SharedBase(const std::filesystem::path& bases) : bases_(bases) {
    make_directories(bases, 0700);
    making_ = name_in_the_making(bases);
    make_directories(making_, 0700);
    lock_ = lock_in_the_making(making_);
    if (::mkdir((making_ / "tree").c_str(), 0755) < 0 || ::chmod((making_ / "tree").c_str(), 0755) < 0)
        throw system_failure("make directory '" + (making_ / "tree").string() + "'");
    references_ = open_path(making_ / references, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    tree_ = open_path(making_ / "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

SharedBase::~SharedBase() {
    if (making_.empty())
        return;
    lock_.reset();
    discard(making_);
}

NewBase SharedBase::finish(const std::string& id) {
    share(references_);
    // An image that is there must not lack a layer after a crash.
    if (::syncfs(tree_.get()) < 0)
        throw system_failure("write '" + making_.string() + "' to the disk");
    for (;;) {
        if (::renameat2(AT_FDCWD, making_.c_str(), AT_FDCWD, (bases_ / id).c_str(), RENAME_NOREPLACE) == 0) {
            making_.clear();
            lock_.reset();
            return {bases_ / id, std::move(references_)};
        }
        if (errno != EEXIST)
            throw system_failure("rename '" + making_.string() + "' to '" + id + "'");
        if (auto theirs = hold_base(bases_, id))
            return std::move(*theirs);
    }
}

void make_stack_on(const std::filesystem::path& stack, const std::vector<NewBase>& bases) {
    if (::mkdir((stack / "rw").c_str(), 0755) < 0)
        throw system_failure("make '" + (stack / "rw").string() + "'");
    for (std::size_t number = 0; number < bases.size(); ++number)
        add_layer(stack, "layer@" + std::to_string(number), bases[number].directory);
}

} // namespace machinist
