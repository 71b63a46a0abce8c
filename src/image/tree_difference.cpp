// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/tree_difference.hpp"

#include "base/failure.hpp"
#include "image/directory_entries.hpp"
#include "image/package_database.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 2'000'000;
constexpr int deepest = 100;

std::optional<struct statx> look(BorrowedFd directory, const std::string& name) {
    struct statx found {};
    constexpr unsigned wanted = STATX_BASIC_STATS | STATX_MNT_ID;
    if (::statx(directory.get(), name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, wanted, &found) < 0)
        return std::nullopt;
    return found;
}

std::string target_of(BorrowedFd directory, const std::string& name) {
    char target[4096];
    const ssize_t length = ::readlinkat(directory.get(), name.c_str(), target, sizeof target);
    return length < 0 ? std::string{} : std::string{target, static_cast<std::size_t>(length)};
}

class Comparison {
public:
    Comparison(const Tree& before, const Tree& now)
        : before_(before), now_(now), mount_before_(mount_of(before.root)), mount_now_(mount_of(now.root)) {}

    std::vector<FileChange> run() {
        compare_directories(before_.root, now_.root, "/", 0);
        return std::move(changes_);
    }

private:
    static std::uint64_t mount_of(BorrowedFd root) {
        const auto found = look(root, ".");
        return found ? found->stx_mnt_id : 0;
    }

    void compare_directories(BorrowedFd before, BorrowedFd now, const std::string& path, int depth) {
        if (depth > deepest)
            throw Failure{FailureKind::hostile, "compare trees: they are deeper than any system's"};
        const auto old_names = sorted_entries(before, most_entries);
        const auto new_names = sorted_entries(now, most_entries);
        entries_ += old_names.size() + new_names.size();
        if (entries_ > 2 * most_entries)
            throw Failure{FailureKind::hostile, "compare trees: they have more entries than any system's"};
        auto old_name = old_names.begin();
        auto new_name = new_names.begin();
        while (old_name != old_names.end() || new_name != new_names.end()) {
            const bool only_old = new_name == new_names.end() || (old_name != old_names.end() && *old_name < *new_name);
            const bool only_new = old_name == old_names.end() || (new_name != new_names.end() && *new_name < *old_name);
            if (only_old)
                add_single(Change::removed, before, mount_before_, *old_name++, path);
            else if (only_new)
                add_single(Change::added, now, mount_now_, *new_name++, path);
            else
                compare_entries(before, now, *old_name++, *new_name++, path, depth);
        }
    }

    void add(Change change, const std::string& path, bool is_directory) {
        changes_.push_back({change, path + (is_directory ? "/" : "")});
    }

    void add_single(Change change, BorrowedFd directory, std::uint64_t mount, const std::string& name,
                    const std::string& path) {
        const auto found = look(directory, name);
        if (found && found->stx_mnt_id == mount)
            add(change, path + name, S_ISDIR(found->stx_mode));
    }

    void compare_entries(BorrowedFd before, BorrowedFd now, const std::string& name, const std::string& same_name,
                         const std::string& path, int depth) {
        const auto old_entry = look(before, name);
        const auto new_entry = look(now, same_name);
        if (!old_entry || !new_entry || old_entry->stx_mnt_id != mount_before_ || new_entry->stx_mnt_id != mount_now_)
            return;
        const bool are_directories = S_ISDIR(old_entry->stx_mode) && S_ISDIR(new_entry->stx_mode);
        if (differ(*old_entry, *new_entry) ||
            (S_ISLNK(new_entry->stx_mode) && target_of(before, name) != target_of(now, name)))
            add(Change::changed, path + name, are_directories);
        if (!are_directories)
            return;
        const auto old_directory = enter_directory(before, name);
        const auto new_directory = enter_directory(now, name);
        if (old_directory && new_directory)
            compare_directories(*old_directory, *new_directory, path + name + "/", depth + 1);
    }

    // What a machine wrote on top of its image may have the owners of its range.
    static bool is_same_id(std::uint32_t before, std::uint32_t now) {
        return ((before ^ now) & 0xffff) == 0;
    }

    [[nodiscard]] bool differ(const struct statx& before, const struct statx& now) const {
        if (before.stx_mode != now.stx_mode ||
            !is_same_id(before.stx_uid - before_.first_id, now.stx_uid - now_.first_id) ||
            !is_same_id(before.stx_gid - before_.first_id, now.stx_gid - now_.first_id))
            return true;
        if (S_ISREG(now.stx_mode))
            return before.stx_size != now.stx_size || before.stx_mtime.tv_sec != now.stx_mtime.tv_sec ||
                   before.stx_mtime.tv_nsec != now.stx_mtime.tv_nsec;
        return before.stx_rdev_major != now.stx_rdev_major || before.stx_rdev_minor != now.stx_rdev_minor;
    }

    const Tree& before_;
    const Tree& now_;
    std::uint64_t mount_before_;
    std::uint64_t mount_now_;
    std::size_t entries_ = 0;
    std::vector<FileChange> changes_;
};

} // namespace

std::vector<FileChange> compare_files(const Tree& before, const Tree& now) {
    return Comparison{before, now}.run();
}

std::vector<PackageChange> compare_packages(BorrowedFd before, BorrowedFd now) {
    const auto old_packages = installed_packages(before);
    const auto new_packages = installed_packages(now);
    std::vector<PackageChange> changes;
    for (const auto& [name, version] : old_packages) {
        const auto found = new_packages.find(name);
        if (found == new_packages.end())
            changes.push_back({Change::removed, name, version, ""});
        else if (found->second != version)
            changes.push_back({Change::changed, name, version, found->second});
    }
    for (const auto& [name, version] : new_packages)
        if (!old_packages.contains(name))
            changes.push_back({Change::added, name, "", version});
    return changes;
}

} // namespace machinist
