// SPDX-License-Identifier: LGPL-2.1-or-later
// Directories "NAME.v" that hold versions of one thing, and the newest of them (systemd.v(7)).
#pragma once

#include "base/unique_fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// The one of these file names that is NAME_VERSION[_ARCHITECTURE][+LEFT[-DONE]]SUFFIX and newest: what has tries left,
// or counts none, before what has used them up; then by version. Those for another architecture do not count. Pure.
std::optional<std::string> newest_version(const std::vector<std::string>& names, std::string_view name,
                                          std::string_view suffix, std::string_view architecture);

// The same for what lies in directory.
std::optional<std::string> newest_version_in(BorrowedFd directory, std::string_view name, std::string_view suffix);

} // namespace machinist
