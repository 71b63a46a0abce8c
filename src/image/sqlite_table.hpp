// SPDX-License-Identifier: LGPL-2.1-or-later
// Rows of one table in a database file of SQLite 3 that is not trusted: nothing of it is executed, every step is
// bounded by the file. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// The last column of each row, where that is a text or a blob. Nothing if the bytes are no such file, have no such
// table, or contradict themselves. What only lies in a journal beside the file is not seen.
std::optional<std::vector<std::string>> last_column_of_table(std::string_view file, std::string_view table);

} // namespace machinist
