// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tree_walk.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"
#include "transfer/wanted_attributes.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/xattr.h>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 1'000'000; // of one directory
constexpr unsigned most_levels = 256;

using Visit = std::function<void(const WalkedEntry&)>;

void walk(BorrowedFd directory, const std::string& path, unsigned level, const Visit& visit) {
    if (level > most_levels)
        throw Failure{FailureKind::hostile, "the tree is more than " + std::to_string(most_levels) + " levels deep"};
    for (const std::string& name : sorted_entries(directory, most_entries)) {
        WalkedEntry entry{.parent = directory, .name = name, .path = path.empty() ? name : path + "/" + name};
        if (::fstatat(directory.get(), name.c_str(), &entry.status, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("look at '" + escaped_for_people(entry.path) + "'");
        visit(entry);
        if (!S_ISDIR(entry.status.st_mode))
            continue;
        if (const auto below = enter_directory(directory, name))
            walk(*below, entry.path, level + 1, visit);
    }
}

} // namespace

void walk_tree(BorrowedFd root, const Visit& visit) {
    const UniqueFd directory = open_beneath(root, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    visit({.parent = directory, .name = ".", .path = ".", .status = status_of(directory)});
    walk(directory, "", 1, visit);
}

TreeSize measure_tree(BorrowedFd root) {
    TreeSize size;
    walk_tree(root, [&](const WalkedEntry& entry) {
        ++size.entries;
        if (S_ISREG(entry.status.st_mode))
            size.bytes += static_cast<std::uint64_t>(entry.status.st_size);
    });
    return size;
}

std::vector<std::pair<std::string, std::string>> attributes_of(BorrowedFd parent, const std::string& name) {
    std::vector<std::pair<std::string, std::string>> found;
    const std::string path = path_of_descriptor(parent) + "/" + name;
    std::array<char, 65536> names{};
    const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
    if (length < 0 && errno != EOPNOTSUPP && errno != ENODATA)
        throw system_failure("list its attributes");
    for (const char* at = names.data(); length > 0 && at < names.data() + length;
         at += std::string_view{at}.size() + 1) {
        const std::string_view key{at};
        if (!is_wanted_attribute(key) && !key.starts_with("system.posix_acl_"))
            continue;
        std::array<char, 65536> value{};
        const ssize_t size = ::lgetxattr(path.c_str(), at, value.data(), value.size());
        if (size < 0)
            throw system_failure("read its attribute '" + std::string{key} + "'");
        found.emplace_back(key, std::string{value.data(), static_cast<std::size_t>(size)});
    }
    return found;
}

} // namespace machinist
