// SPDX-License-Identifier: LGPL-2.1-or-later
// The packages that are installed in a tree, as the databases of dpkg, rpm, apk and pacman have them.
#pragma once

#include "base/unique_fd.hpp"

#include <map>
#include <string>
#include <string_view>

namespace machinist {

// "bash:amd64" -> version; several ones that are there at once are divided by blanks.
using Packages = std::map<std::string, std::string>;

// Pure. What is not installed, or has no name or version, is left out.
Packages parse_dpkg_status(std::string_view text);
Packages parse_apk_database(std::string_view text);
// One package's file "desc".
Packages parse_pacman_description(std::string_view text);
// A file rpmdb.sqlite, Packages.db (ndb) or Packages (Berkeley DB).
Packages parse_rpm_database(std::string_view file);

// Of a tree that is not trusted; empty if it has no such database, or one of no reasonable size.
Packages installed_packages(BorrowedFd root);

// A database of packages that is there and cannot be read, for people: "rpm's, in 'var/lib/rpm/Packages'"; empty if
// there is none.
std::string unread_package_database(BorrowedFd root);

} // namespace machinist
