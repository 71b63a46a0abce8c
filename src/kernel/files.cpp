// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/files.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

int try_open_beneath(BorrowedFd root, const std::filesystem::path& path, int flags, Links links) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    if ((flags & O_PATH) == 0)
        how.flags |= O_NOCTTY;
    how.resolve =
        RESOLVE_NO_MAGICLINKS | (links == Links::refuse ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : RESOLVE_IN_ROOT);
    const auto relative = path.relative_path();
    for (int attempt = 0;; ++attempt) {
        const int file = sys::openat2(root.get(), relative.empty() ? "." : relative.c_str(), how);
        // openat2(2): EAGAIN while something on the way is being renamed; try again.
        if (file >= 0 || errno != EAGAIN || attempt == 64)
            return file;
    }
}

Failure refused(const std::filesystem::path& path, Links links) {
    const int error_number = errno;
    if (error_number == ELOOP && links == Links::refuse)
        return Failure{FailureKind::hostile,
                       "open '" + path.string() + "' in the image: it is, or lies behind, a symbolic link"};
    if (error_number == ELOOP)
        return Failure{FailureKind::hostile,
                       "open '" + path.string() + "' in the image: its symbolic links form a loop or lead out"};
    if (error_number == EXDEV)
        return Failure{FailureKind::hostile, "open '" + path.string() + "' in the image: it leads out of the image"};
    return system_failure("open '" + path.string() + "' in the image", error_number);
}

} // namespace

UniqueFd open_beneath(BorrowedFd root, const std::filesystem::path& path, int flags, Links links) {
    UniqueFd file{try_open_beneath(root, path, flags, links)};
    if (!file)
        throw refused(path, links);
    return file;
}

std::optional<UniqueFd> open_beneath_if_exists(BorrowedFd root, const std::filesystem::path& path, int flags,
                                               Links links) {
    UniqueFd file{try_open_beneath(root, path, flags, links)};
    if (file)
        return file;
    if (errno == ENOENT || errno == ENOTDIR)
        return std::nullopt;
    throw refused(path, links);
}

bool exists_beneath(BorrowedFd root, const std::filesystem::path& path) {
    return static_cast<bool>(UniqueFd{try_open_beneath(root, path, O_PATH, Links::inside_root)});
}

UniqueFd open_path(const std::filesystem::path& path, int flags, mode_t mode) {
    UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC, mode)};
    if (!file)
        throw system_failure("open '" + path.string() + "'");
    return file;
}

std::optional<UniqueFd> open_path_if_exists(const std::filesystem::path& path, int flags) {
    UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC)};
    if (file)
        return file;
    if (errno == ENOENT || errno == ENOTDIR)
        return std::nullopt;
    throw system_failure("open '" + path.string() + "'");
}

std::optional<std::string> read_untrusted(BorrowedFd root, const std::filesystem::path& path, std::size_t limit,
                                          Links links) {
    // O_PATH first: opening a fifo or a device for real may block or act.
    const auto found = open_beneath_if_exists(root, path, O_PATH, links);
    if (!found)
        return std::nullopt;
    if (!S_ISREG(status_of(*found).st_mode))
        throw Failure{FailureKind::hostile, "read '" + path.string() + "' in the image: it is not a regular file"};
    const UniqueFd file{::open(path_of_descriptor(*found).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file)
        throw system_failure("read '" + path.string() + "' in the image");
    std::string text = doing("read '" + path.string() + "' in the image", [&] { return read_all(file, limit + 1); });
    if (text.size() > limit)
        throw Failure{FailureKind::hostile, "read '" + path.string() + "' in the image: it is larger than " +
                                                std::to_string(limit) + " bytes"};
    return text;
}

std::string read_all(BorrowedFd file, std::size_t limit) {
    std::string text;
    char buffer[8192];
    while (text.size() < limit) {
        const ssize_t count = ::read(file.get(), buffer, std::min(sizeof buffer, limit - text.size()));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_failure("read");
        if (count == 0)
            break;
        text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
}

std::string read_file(const std::filesystem::path& path) {
    const UniqueFd file = open_path(path, O_RDONLY);
    return doing("'" + path.string() + "'", [&] { return read_all(file); });
}

std::optional<std::string> read_file_if_exists(const std::filesystem::path& path) {
    const auto file = open_path_if_exists(path, O_RDONLY);
    if (!file)
        return std::nullopt;
    return doing("'" + path.string() + "'", [&] { return read_all(*file); });
}

void write_existing(BorrowedFd directory, const char* name, std::string_view text) {
    const UniqueFd file{::openat(directory.get(), name, O_WRONLY | O_CLOEXEC | O_NOCTTY)};
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw system_failure("write '" + std::string{text} + "' to '" + name + "'");
}

void write_all(BorrowedFd file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_failure("write");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void write_atomically(const std::filesystem::path& path, std::string_view text, mode_t mode) {
    const std::string temporary =
        (path.parent_path() / (".#" + path.filename().string() + "." + std::to_string(::getpid()))).string();
    UniqueFd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (!file)
        throw system_failure("create '" + temporary + "'");
    ScopeExit remove_temporary{[&] { ::unlink(temporary.c_str()); }};
    doing("'" + temporary + "'", [&] { write_all(file, text); });
    if (::fchmod(file.get(), mode) < 0 || ::rename(temporary.c_str(), path.c_str()) < 0)
        throw system_failure("rename '" + temporary + "' to '" + path.string() + "'");
    remove_temporary.release();
}

UniqueFd make_directories_beneath(BorrowedFd root, const std::filesystem::path& path, mode_t mode, Links links) {
    if (auto whole = open_beneath_if_exists(root, path, O_PATH | O_DIRECTORY, links))
        return std::move(*whole);
    std::filesystem::path done;
    UniqueFd parent = open_beneath(root, ".", O_PATH | O_DIRECTORY, links);
    for (const auto& part : path.relative_path()) {
        if (part == "." || part.empty())
            continue;
        if (part == "..")
            throw Failure{FailureKind::invalid, "make directory '" + path.string() + "': '..' is not allowed in it"};
        done /= part;
        auto next = open_beneath_if_exists(root, done, O_PATH | O_DIRECTORY, links);
        if (!next) {
            if (::mkdirat(parent.get(), part.c_str(), mode) < 0 && errno != EEXIST)
                throw system_failure("make directory '" + done.string() + "' in the image");
            next = open_beneath(root, done, O_PATH | O_DIRECTORY, links);
        }
        parent = std::move(*next);
    }
    return parent;
}

void make_directories(const std::filesystem::path& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0)
        return;
    if (errno == ENOENT && path.has_parent_path()) {
        make_directories(path.parent_path(), 0755);
        if (::mkdir(path.c_str(), mode) == 0)
            return;
    }
    if (errno != EEXIST)
        throw system_failure("make directory '" + path.string() + "'");
}

struct stat status_of(BorrowedFd file) {
    struct stat status {};
    if (::fstat(file.get(), &status) < 0)
        throw system_failure("look at a file");
    return status;
}

std::string path_of_descriptor(BorrowedFd file) {
    return "/proc/self/fd/" + std::to_string(file.get());
}

} // namespace machinist
