// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/tree_copying.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "enter/file_contents.hpp"
#include "enter/pseudo_filesystem.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <map>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace machinist::enter {

namespace {

// Each level holds four descriptors.
constexpr int deepest = 200;
constexpr std::size_t most_hard_links = 100000; // remembered; further ones become files of their own
constexpr mode_t privileged_bits = S_ISUID | S_ISGID;

using Identity = std::pair<dev_t, ino_t>;

Identity identity_of(const struct stat& status) {
    return {status.st_dev, status.st_ino};
}

UniqueFd open_entry(BorrowedFd directory, const std::string& name, int flags) {
    UniqueFd entry{::openat(directory.get(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC)};
    if (!entry)
        throw system_failure("open");
    return entry;
}

// What was looked at, opened for real: it cannot have become a device meanwhile.
UniqueFd open_again(BorrowedFd looked_at, int flags) {
    UniqueFd file{::open(path_of_descriptor(looked_at).c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!file)
        throw system_failure("open");
    return file;
}

std::string temporary_name() {
    return ".#copy-" + random_suffix();
}

std::string target_of_link(BorrowedFd link) {
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(link.get(), "", target, sizeof target - 1);
    if (length < 0)
        throw system_failure("read the link");
    return {target, static_cast<std::size_t>(length)};
}

class Copying {
public:
    Copying(BorrowedFd top, const CopyRules& rules) : top_(top), rules_(rules) {}

    // path: of the copy, seen from top, for hard links and messages.
    void copy(BorrowedFd from, const std::string& from_name, BorrowedFd into, const std::string& name,
              const std::string& path, int depth) {
        try {
            const UniqueFd entry = open_entry(from, from_name, O_PATH);
            const struct stat status = status_of(entry);
            if (S_ISDIR(status.st_mode))
                return copy_directory(entry, status, into, name, path, depth);
            refuse_existing(into, name);
            if (S_ISREG(status.st_mode) && status.st_nlink > 1 && link_to_copy(status, into, name))
                return;
            copy_one(entry, status, into, name);
            if (S_ISREG(status.st_mode) && status.st_nlink > 1)
                remember(status, into, name, path);
        } catch (Failure& failure) {
            // Once, by the entry itself: the ways to it would make no short message.
            if (std::exchange(named_, true) == false)
                failure.add_context("copy '" + escaped_for_people(path.substr(0, 200)) + "'");
            throw;
        }
    }

private:
    void refuse_existing(BorrowedFd into, const std::string& name) const {
        struct stat there {};
        if (::fstatat(into.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0)
            return;
        if (S_ISDIR(there.st_mode))
            throw Failure{FailureKind::already_exists, "a directory of this name is there", EEXIST};
        if (!rules_.replace)
            throw Failure{FailureKind::already_exists, "the destination", EEXIST}.try_instead(
                "'--force', which replaces it");
    }

    // Under its own name at once, or not at all.
    void put_in_place(BorrowedFd into, const std::string& temporary, const std::string& name) const {
        const unsigned flags = rules_.replace ? 0 : RENAME_NOREPLACE;
        if (::renameat2(into.get(), temporary.c_str(), into.get(), name.c_str(), flags) == 0)
            return;
        if (errno != EINVAL || ::linkat(into.get(), temporary.c_str(), into.get(), name.c_str(), 0) < 0)
            throw system_failure("put the copy in place");
        ::unlinkat(into.get(), temporary.c_str(), 0);
    }

    void copy_one(BorrowedFd entry, const struct stat& status, BorrowedFd into, const std::string& name) const {
        const std::string temporary = temporary_name();
        ScopeExit remove_temporary{[&] { ::unlinkat(into.get(), temporary.c_str(), 0); }};
        if (S_ISREG(status.st_mode)) {
            const UniqueFd source = open_again(entry, O_RDONLY);
            const UniqueFd copy{::openat(into.get(), temporary.c_str(),
                                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600)};
            if (!copy)
                throw system_failure("create the copy");
            copy_contents(source, copy, status.st_size);
            copy_user_attributes(source, copy);
            take_attributes(copy, status);
        } else {
            make_special(entry, status, into, temporary);
            const UniqueFd copy = open_entry(into, temporary, O_PATH);
            if (::fchownat(copy.get(), "", owner_of(status), group_of(status), AT_EMPTY_PATH) < 0)
                throw system_failure("give the copy its owner");
        }
        put_in_place(into, temporary, name);
        remove_temporary.release();
    }

    void make_special(BorrowedFd entry, const struct stat& status, BorrowedFd into, const std::string& name) const {
        if (S_ISLNK(status.st_mode)) {
            if (::symlinkat(target_of_link(entry).c_str(), into.get(), name.c_str()) < 0)
                throw system_failure("make the link");
            return;
        }
        if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode))
            throw Failure{FailureKind::not_supported, "it is a device node"};
        if (::mknodat(into.get(), name.c_str(), (status.st_mode & S_IFMT) | (status.st_mode & 0777), 0) < 0)
            throw system_failure("make the copy");
    }

    void take_attributes(BorrowedFd copy, const struct stat& status) const {
        const mode_t mode = status.st_mode & 07777 & ~(rules_.privileged_modes ? 0 : privileged_bits);
        // The owner first: a change of owner takes set-id bits away.
        if (::fchown(copy.get(), owner_of(status), group_of(status)) < 0 || ::fchmod(copy.get(), mode) < 0)
            throw system_failure("give the copy its owner and mode");
        const timespec times[2]{status.st_atim, status.st_mtim};
        (void)::futimens(copy.get(), times);
    }

    void copy_directory(BorrowedFd entry, const struct stat& status, BorrowedFd into, const std::string& name,
                        const std::string& path, int depth) {
        if (depth > deepest)
            throw Failure{FailureKind::invalid, "it is more than " + std::to_string(deepest) + " directories deep"};
        const bool made = ::mkdirat(into.get(), name.c_str(), 0700) == 0;
        if (!made && errno != EEXIST)
            throw system_failure("make the directory");
        const UniqueFd copy = open_entry(into, name, O_RDONLY | O_DIRECTORY | O_NOCTTY);
        if (depth == 0)
            goal_ = identity_of(status_of(copy));
        const bool pseudo = depth > 0 && pseudo_filesystem_of(entry);
        if (!pseudo)
            copy_children(entry, copy, path, depth);
        if (!made)
            return;
        if (!pseudo)
            copy_user_attributes(open_again(entry, O_RDONLY | O_DIRECTORY), copy);
        take_attributes(copy, status);
    }

    void copy_children(BorrowedFd entry, BorrowedFd into, const std::string& path, int depth) {
        UniqueFd reading = open_again(entry, O_RDONLY | O_DIRECTORY);
        const BorrowedFd from = reading;
        const std::unique_ptr<DIR, int (*)(DIR*)> children{::fdopendir(reading.get()), ::closedir};
        if (!children)
            throw system_failure("read the directory");
        (void)reading.release();
        while (true) {
            errno = 0;
            const dirent* child = ::readdir(children.get());
            if (!child && errno != 0)
                throw system_failure("read the directory");
            if (!child)
                return;
            const std::string name = child->d_name;
            if (name == "." || name == "..")
                continue;
            // A filesystem of the machine's own making may say anything.
            if (name.empty() || name.contains('/'))
                throw Failure{FailureKind::hostile, "its filesystem has a name with '/'"};
            struct stat status {};
            // The copy may lie in what is copied.
            if (::fstatat(from.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
                identity_of(status) == goal_)
                continue;
            copy(from, name, into, name, path + "/" + name, depth + 1);
        }
    }

    struct Linked {
        std::string path;
        Identity copy;
    };

    void remember(const struct stat& status, BorrowedFd into, const std::string& name, const std::string& path) {
        struct stat copy {};
        if (linked_.size() < most_hard_links && ::fstatat(into.get(), name.c_str(), &copy, AT_SYMLINK_NOFOLLOW) == 0)
            linked_.emplace(identity_of(status), Linked{path, identity_of(copy)});
    }

    // Only to what was made in this run, and if it is still there (rule R14).
    bool link_to_copy(const struct stat& status, BorrowedFd into, const std::string& name) const {
        const auto known = linked_.find(identity_of(status));
        if (known == linked_.end())
            return false;
        try {
            const auto first = open_beneath_if_exists(top_, known->second.path, O_PATH | O_NOFOLLOW, Links::refuse);
            if (!first || identity_of(status_of(*first)) != known->second.copy)
                return false;
            const std::string temporary = temporary_name();
            if (::linkat(first->get(), "", into.get(), temporary.c_str(), AT_EMPTY_PATH) < 0)
                return false;
            put_in_place(into, temporary, name);
            return true;
        } catch (const Failure&) {
            return false;
        }
    }

    [[nodiscard]] std::uint32_t owner_of(const struct stat& status) const {
        return rules_.owner.value_or(status.st_uid);
    }
    [[nodiscard]] std::uint32_t group_of(const struct stat& status) const {
        return rules_.owner.value_or(status.st_gid);
    }

    BorrowedFd top_;
    const CopyRules& rules_;
    Identity goal_{};
    bool named_ = false;
    std::map<Identity, Linked> linked_;
};

} // namespace

void copy_entry(BorrowedFd from, const std::string& from_name, BorrowedFd into, const std::string& name,
                const CopyRules& rules) {
    Copying{into, rules}.copy(from, from_name, into, name, name, 0);
}

} // namespace machinist::enter
