// SPDX-License-Identifier: LGPL-2.1-or-later
// The packages that are installed in a tree, as the database of dpkg has them.
#pragma once

#include "base/unique_fd.hpp"

#include <map>
#include <string>
#include <string_view>

namespace machinist {

// "bash:amd64" -> version. Pure. What is not installed, or has no name or version, is left out.
std::map<std::string, std::string> parse_dpkg_status(std::string_view text);

// Of a tree that is not trusted; empty if it has no such database, or one that is no text of a reasonable size.
std::map<std::string, std::string> installed_packages(BorrowedFd root);

} // namespace machinist
