// SPDX-License-Identifier: LGPL-2.1-or-later
// Files below a directory that is not trusted, and files of the host that must appear whole.
// Every path into a tree goes through openat2(2) and stays beneath the tree's root.
#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>

namespace machinist {

enum class Links {
    refuse,      // a symbolic link anywhere on the way is hostile: /dev, /proc, /sys, /run, mount points of ours
    inside_root, // links are followed as the machine itself would: absolute ones start at the tree's root
};

// The open(2) flags always get O_CLOEXEC | O_NOCTTY. Throws Failure (hostile for a refused link).
UniqueFd open_beneath(BorrowedFd root, const std::filesystem::path& path, int flags, Links links);
// Nothing if it does not exist (ENOENT, ENOTDIR); throws for all else.
std::optional<UniqueFd> open_beneath_if_exists(BorrowedFd root, const std::filesystem::path& path, int flags,
                                               Links links);
// Links are followed inside. False too for what cannot be looked at.
bool exists_beneath(BorrowedFd root, const std::filesystem::path& path);

// Opens host paths: what the administrator named. Throws Failure naming the path.
UniqueFd open_path(const std::filesystem::path& path, int flags, mode_t mode = 0);
std::optional<UniqueFd> open_path_if_exists(const std::filesystem::path& path, int flags);

// A regular file of an untrusted tree, read whole: O_NONBLOCK, no device or fifo, at most limit bytes (rule R13).
// Nothing if it does not exist; Failure(hostile) if it is anything else or larger.
std::optional<std::string> read_untrusted(BorrowedFd root, const std::filesystem::path& path, std::size_t limit = 65536,
                                          Links links = Links::inside_root);

// A trusted host file (procfs, sysfs, our own state), read whole.
std::string read_file(const std::filesystem::path& path);
std::optional<std::string> read_file_if_exists(const std::filesystem::path& path);
std::string read_all(BorrowedFd file, std::size_t limit = std::size_t{16} << 20);

// Writes all bytes to an existing file in one write (procfs, cgroupfs). object names it in the failure.
void write_existing(BorrowedFd directory, const char* name, std::string_view text);
void write_all(BorrowedFd file, std::string_view bytes);

// Old or new, never between: temporary name, then rename. No fsync: for tmpfs.
void write_atomically(const std::filesystem::path& path, std::string_view text, mode_t mode);

// mkdir -p below root, each component under R1; opens the last (O_PATH | O_DIRECTORY). Directories that are made
// belong to the caller's filesystem ids and get mode.
UniqueFd make_directories_beneath(BorrowedFd root, const std::filesystem::path& path, mode_t mode, Links links);
void make_directories(const std::filesystem::path& path, mode_t mode);

struct stat status_of(BorrowedFd file);
// "/proc/self/fd/N", for the few interfaces that know only paths. Valid while the descriptor is open.
std::string path_of_descriptor(BorrowedFd file);

// Removes name and all below it, by descriptors, no link followed, mounts not crossed. Missing is success.
// Immutable and read-only entries are made removable first.
void remove_tree(BorrowedFd parent, const std::string& name);

} // namespace machinist
