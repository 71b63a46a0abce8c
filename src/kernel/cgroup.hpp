// SPDX-License-Identifier: LGPL-2.1-or-later
// Groups of the unified hierarchy (cgroup v2): find ours, make one below it, hand it over, end what is in it.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace machinist {

// Where cgroup v2 is mounted. Throws Failure(not_supported) with a remedy where it is mounted nowhere.
std::filesystem::path cgroup_root();

// The directory, in the caller's mount namespace, of the cgroup v2 group that this process is in.
// Throws Failure(not_supported) with a remedy where cgroup v2 is mounted nowhere.
std::filesystem::path own_cgroup();
// The same of another process. Failure(not_found) if it is gone.
std::filesystem::path cgroup_of(pid_t pid);

// True if systemd delegated this group to us (xattr user.delegate or trusted.delegate is 1).
bool cgroup_is_delegated(const std::filesystem::path& group);

// mkdir -p; opens the last one.
UniqueFd make_cgroup(const std::filesystem::path& group);

// Switches on for the children of group whatever controllers it has itself. What cannot be switched on (a process
// lives in group itself) is left: the machine then has no controllers of its own.
void enable_controllers(BorrowedFd group);

// Gives the group to a user: the directory and the files that cgroup-delegation names, never the limits
// (Container Interface J4).
void delegate_cgroup(BorrowedFd group, std::uint32_t uid, std::uint32_t gid);

// The group and all below it, none of which may hold a process. Missing is success.
void remove_cgroup(BorrowedFd parent, const std::string& name);

void move_process_to_cgroup(BorrowedFd group, pid_t pid);

} // namespace machinist
