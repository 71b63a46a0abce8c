// SPDX-License-Identifier: LGPL-2.1-or-later
// The package headers in rpm's databases of forms other than SQLite's, which are not trusted: every step is bounded by
// the file. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// "Packages.db", as rpm's own database has it (ndb). Nothing if the bytes are no such file.
std::optional<std::vector<std::string>> blobs_of_ndb(std::string_view file);

// "Packages", a hash of Berkeley DB in either order of bytes, as rpm had it up to 4.16. Nothing if the bytes are no
// such file. Values that contradict themselves are left out.
std::optional<std::vector<std::string>> values_of_hash_database(std::string_view file);

} // namespace machinist
