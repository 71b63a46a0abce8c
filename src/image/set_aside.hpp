// SPDX-License-Identifier: LGPL-2.1-or-later
// Removing in two steps: the name is free at once, what took it is deleted whenever there is time.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace machinist {

inline constexpr const char* set_aside_prefix = ".#removed.";

// Renames what is at path to a name of its own beside it, and returns that. Immutable things too.
std::filesystem::path set_aside(const std::filesystem::path& path);

// With all below; a subvolume as such. Gone already, or being removed by somebody else, is success.
void remove_set_aside(const std::filesystem::path& path);

// What somebody set aside in directory and nobody removes now.
std::vector<std::filesystem::path> set_aside_in(const std::filesystem::path& directory);

// Does work in a process that nobody waits for, without any descriptor of this one. For programs with one thread.
void do_behind(const std::function<void()>& work);

} // namespace machinist
