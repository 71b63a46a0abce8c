// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/shift_ownership.hpp"

#include "base/failure.hpp"
#include "image/access_list.hpp"
#include "kernel/files.hpp"
#include "kernel/syscalls.hpp"
#include "kernel/user_namespace.hpp"

#include <cerrno>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::size_t attribute_limit = 65536;
constexpr const char* access_lists[] = {"system.posix_acl_access", "system.posix_acl_default"};
constexpr const char* file_capabilities = "security.capability";

struct CloseDirectory {
    void operator()(DIR* directory) const {
        ::closedir(directory);
    }
};

std::string entry_path(int directory, const std::string& name) {
    return "/proc/self/fd/" + std::to_string(directory) + "/" + name;
}

bool lists(const std::string& names, const char* name) {
    return names.find(std::string{name} + '\0') != std::string::npos;
}

bool is_device(const struct stat& status) {
    return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
}

class Shifter {
public:
    explicit Shifter(std::uint32_t base) : base_(base), buffer_(attribute_limit, '\0') {}

    [[nodiscard]] bool is_right(const struct stat& status) const {
        return (status.st_uid & ~low) == base_ && (status.st_gid & ~low) == base_;
    }

    // directory holds the entry; name "" is the directory itself.
    void shift(int directory, const std::string& name, const struct stat& status) {
        // Inside of a machine no device can be made, so no layer takes a copy of one, and none on a disk is opened.
        if (is_device(status) && !devices_)
            return;
        const std::string path = entry_path(directory, name.empty() ? "." : name);
        // chown(2) drops these two; whether there are any costs one call for most files.
        const bool keeps_attributes = !S_ISLNK(status.st_mode);
        const std::string names = keeps_attributes ? attribute_names(path) : std::string{};
        const std::string capabilities = lists(names, file_capabilities) ? attribute_of(path, file_capabilities) : "";
        if (!is_right(status))
            change_owner(directory, name, status);
        if ((status.st_mode & (S_ISUID | S_ISGID)) != 0 && S_ISREG(status.st_mode) && !is_right(status))
            check(::fchmodat(directory, name.c_str(), status.st_mode & 07777, 0), name);
        if (!capabilities.empty() && !is_right(status))
            check(::lsetxattr(path.c_str(), file_capabilities, capabilities.data(), capabilities.size(), 0), name);
        for (const char* list : access_lists)
            if (lists(names, list))
                shift_list(path, list, name);
    }

    // Everything below directory. Names are read before anything is entered, so that one descriptor is enough
    // for any depth; the way back is checked, since ".." is wherever a directory was moved to.
    void shift_below(BorrowedFd root) {
        UniqueFd current = open_beneath(root, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
        std::vector<Level> levels;
        levels.push_back(list(current));
        while (!levels.empty()) {
            if (levels.back().directories.empty()) {
                levels.pop_back();
                if (!levels.empty())
                    current = go_up(current, levels.back());
                continue;
            }
            const std::string name = std::move(levels.back().directories.back());
            levels.back().directories.pop_back();
            auto next = enter(current, name);
            if (!next)
                continue; // a mount, or gone
            shift(next->get(), "", status_of(*next));
            levels.push_back(list(*next));
            current = std::move(*next);
        }
    }

private:
    static constexpr std::uint32_t low = 0xffff;

    struct Level {
        dev_t device = 0;
        ino_t inode = 0;
        std::vector<std::string> directories;
    };

    static void check(int result, const std::string& name) {
        if (result < 0 && errno != ENOENT)
            throw system_failure("change the owner of '" + name + "' in the image");
    }

    // Empty if there are none.
    std::string attribute_names(const std::string& path) {
        return buffered(::llistxattr(path.c_str(), buffer_.data(), buffer_.size()));
    }
    std::string attribute_of(const std::string& path, const char* name) {
        return buffered(::lgetxattr(path.c_str(), name, buffer_.data(), buffer_.size()));
    }
    [[nodiscard]] std::string buffered(ssize_t size) const {
        return size > 0 ? buffer_.substr(0, static_cast<std::size_t>(size)) : std::string{};
    }

    void change_owner(int directory, const std::string& name, const struct stat& status) const {
        check(::fchownat(directory, name.c_str(), base_ | (status.st_uid & low), base_ | (status.st_gid & low),
                         AT_SYMLINK_NOFOLLOW | (name.empty() ? AT_EMPTY_PATH : 0)),
              name);
    }

    void shift_list(const std::string& path, const char* list, const std::string& name) {
        std::string value = attribute_of(path, list);
        if (shift_access_list(value, base_))
            check(::lsetxattr(path.c_str(), list, value.data(), value.size(), 0), name);
    }

    // Changes what is no directory at once.
    Level list(BorrowedFd directory) {
        const struct stat here = status_of(directory);
        Level level{here.st_dev, here.st_ino, {}};
        UniqueFd again = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
        const std::unique_ptr<DIR, CloseDirectory> listing{::fdopendir(again.get())};
        if (!listing)
            throw system_failure("list a directory of the image");
        static_cast<void>(again.release());
        while (const dirent* entry = ::readdir(listing.get())) {
            const std::string name = entry->d_name;
            struct stat status {};
            if (name == "." || name == ".." ||
                ::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            if (S_ISDIR(status.st_mode))
                level.directories.push_back(name);
            else
                shift(directory.get(), name, status);
        }
        return level;
    }

    static std::optional<UniqueFd> enter(BorrowedFd directory, const std::string& name) {
        open_how how{};
        how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
        UniqueFd next{sys::openat2(directory.get(), name.c_str(), how)};
        if (next)
            return next;
        if (errno == EXDEV || errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
            return std::nullopt;
        throw system_failure("open '" + name + "' in the image");
    }

    static UniqueFd go_up(BorrowedFd directory, const Level& expected) {
        UniqueFd parent{::openat(directory.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!parent)
            throw system_failure("open a directory of the image");
        const struct stat status = status_of(parent);
        if (status.st_dev != expected.device || status.st_ino != expected.inode)
            throw Failure{FailureKind::busy, "change the owners of the image: it is being changed by somebody else"};
        return parent;
    }

    std::uint32_t base_;
    std::string buffer_;
    bool devices_ = in_initial_user_namespace();
};

} // namespace

bool shift_ownership(BorrowedFd root, std::uint32_t base) {
    return doing("change the owners of the image", [&] {
        Shifter shifter{base};
        struct stat top = status_of(root);
        if (shifter.is_right(top))
            return false;
        const bool interrupted = (top.st_uid & 0xffff0000) == busy_owner;
        // The low bits stay readable through the mark, so that an interrupted run can be finished.
        const uid_t marked = busy_owner | (top.st_uid & 0xffff);
        if (!interrupted && ::fchownat(root.get(), "", marked, static_cast<gid_t>(-1), AT_EMPTY_PATH) < 0)
            throw system_failure("mark the image");
        shifter.shift_below(root);
        top = status_of(root);
        const UniqueFd directory = open_beneath(root, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
        shifter.shift(directory.get(), "", top);
        return true;
    });
}

} // namespace machinist
