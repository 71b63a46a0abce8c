// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/lay_files.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::size_t most_files = 10'000;
constexpr std::size_t largest_file = std::size_t{16} << 20;

enum class Kind { directory, file, program, link };

struct Entry {
    std::filesystem::path path; // in the tree
    Kind kind = Kind::file;
    std::string content; // of a file; a link's target
};

Entry read_entry(const std::filesystem::directory_entry& found, const std::filesystem::path& source) {
    Entry entry;
    entry.path = found.path().lexically_relative(source);
    const auto status = found.symlink_status();
    if (std::filesystem::is_symlink(status)) {
        entry.kind = Kind::link;
        entry.content = std::filesystem::read_symlink(found.path()).string();
    } else if (std::filesystem::is_directory(status)) {
        entry.kind = Kind::directory;
    } else if (std::filesystem::is_regular_file(status)) {
        const auto executable = std::filesystem::perms::owner_exec;
        entry.kind = (status.permissions() & executable) != std::filesystem::perms::none ? Kind::program : Kind::file;
        entry.content = read_all(open_path(found.path(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK), largest_file + 1);
        if (entry.content.size() > largest_file)
            throw Failure{FailureKind::invalid, "take '" + found.path().string() + "' along: it is larger than 16 MiB"};
    } else {
        throw Failure{FailureKind::invalid,
                      "take '" + found.path().string() + "' along: it is neither a directory, a file nor a link"};
    }
    return entry;
}

// A directory comes before what is in it.
std::vector<Entry> read_entries(const std::filesystem::path& source) {
    std::vector<Entry> entries;
    try {
        for (const auto& found : std::filesystem::recursive_directory_iterator{source}) {
            if (entries.size() == most_files)
                throw Failure{FailureKind::invalid, "take '" + source.string() + "' along: it has too many files"};
            entries.push_back(read_entry(found, source));
        }
    } catch (const std::filesystem::filesystem_error& error) {
        throw system_failure("read '" + source.string() + "'", error.code().value());
    }
    std::ranges::sort(entries, {}, &Entry::path);
    return entries;
}

void replace_by(const Entry& entry, BorrowedFd tree) {
    const UniqueFd above = make_directories_beneath(
        tree, entry.path.parent_path().empty() ? "." : entry.path.parent_path(), 0755, Links::inside_root);
    const UniqueFd parent = open_path(path_of_descriptor(above), O_RDONLY | O_DIRECTORY);
    const std::string name = entry.path.filename().string();
    remove_tree(parent, name);
    if (entry.kind == Kind::link) {
        if (::symlinkat(entry.content.c_str(), parent.get(), name.c_str()) < 0 ||
            ::fchownat(parent.get(), name.c_str(), 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("make link '" + entry.path.string() + "'");
        return;
    }
    const UniqueFd file{
        ::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file)
        throw system_failure("make '" + entry.path.string() + "'");
    write_all(file, entry.content);
    if (::fchown(file.get(), 0, 0) < 0 || ::fchmod(file.get(), entry.kind == Kind::program ? 0755 : 0644) < 0)
        throw system_failure("give '" + entry.path.string() + "' its mode");
}

} // namespace

void lay_files(const std::filesystem::path& source, BorrowedFd tree) {
    for (const Entry& entry : read_entries(source))
        if (entry.kind == Kind::directory)
            (void)make_directories_beneath(tree, entry.path, 0755, Links::inside_root);
        else
            replace_by(entry, tree);
}

std::string account_of_files(const std::filesystem::path& source) {
    std::string account;
    for (const Entry& entry : read_entries(source))
        account.append(std::to_string(static_cast<int>(entry.kind)))
            .append(" ")
            .append(entry.path.native())
            .append(" ")
            .append(std::to_string(entry.content.size()))
            .append("\n")
            .append(entry.content);
    return account;
}

} // namespace machinist
