// SPDX-License-Identifier: LGPL-2.1-or-later
// Single entries of a tree that is being made for a test: what was there before is replaced, parents are made.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>

namespace machinist::testing {

void clear(BorrowedFd tree, const std::filesystem::path& path);
void clear_all(BorrowedFd tree);

void put_file(BorrowedFd tree, const std::filesystem::path& path, const std::string& text);
void put_program(BorrowedFd tree, const std::filesystem::path& path, const std::string& text);
// A sparse one of 8 TiB, or as large as the filesystem has them.
void put_huge_file(BorrowedFd tree, const std::filesystem::path& path);
void put_directory(BorrowedFd tree, const std::filesystem::path& path, mode_t mode);
void put_deep_directories(BorrowedFd tree, const std::filesystem::path& path, int depth);
void put_link(BorrowedFd tree, const std::filesystem::path& path, const std::filesystem::path& target);
// Where the target is on another filesystem: a file with its contents.
void put_hard_link(BorrowedFd tree, const std::filesystem::path& path, const std::filesystem::path& target);
void put_fifo(BorrowedFd tree, const std::filesystem::path& path);
void put_socket(BorrowedFd tree, const std::filesystem::path& path);
// kind: S_IFCHR or S_IFBLK; a number that no device has.
void put_device(BorrowedFd tree, const std::filesystem::path& path, mode_t kind);
void put_whiteout(BorrowedFd tree, const std::filesystem::path& path);

void put_attribute(BorrowedFd tree, const std::filesystem::path& path, const char* name, const std::string& value);
void change_mode(BorrowedFd tree, const std::filesystem::path& path, mode_t mode);
void change_owner(BorrowedFd tree, const std::filesystem::path& path, uid_t owner);

} // namespace machinist::testing
