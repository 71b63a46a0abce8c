// SPDX-License-Identifier: LGPL-2.1-or-later
// What is being made or removed beside images, under names of its own: a name is free at once, what took it is deleted
// whenever there is time; and what is new has no name before it is whole.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace machinist {

inline constexpr const char* set_aside_prefix = ".#removed.";
inline constexpr const char* in_the_making_prefix = ".#new.";

// Renames what is at path to a name of its own beside it, and returns that. Immutable things too.
std::filesystem::path set_aside(const std::filesystem::path& path);

// With all below; a subvolume as such. Gone already, or being removed by somebody else, is success. What an image that
// has come still lacks gets its place instead (succession.hpp).
void remove_set_aside(const std::filesystem::path& path);

// The same on the way out of what failed or ended: what stays is told on standard error, and found by set_aside_in().
void discard(const std::filesystem::path& path) noexcept;

// What nobody removes or makes any more.
std::vector<std::filesystem::path> set_aside_in(const std::filesystem::path& directory);

// A name in directory for what is to be renamed when it is whole; its lock says that somebody works on it.
std::filesystem::path name_in_the_making(const std::filesystem::path& directory);
UniqueFd lock_in_the_making(const std::filesystem::path& path);

// Does work in a process that nobody waits for, without any descriptor of this one. For programs with one thread.
void do_behind(const std::function<void()>& work);

} // namespace machinist
