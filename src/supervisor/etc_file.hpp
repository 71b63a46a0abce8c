// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts a file or link of the host's making into the machine's /etc, old or new at any time.
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <string_view>

namespace machinist {

// The machine's own /etc, with its links followed inside the tree.
UniqueFd open_etc(BorrowedFd root);

enum class EtcEntry { missing, regular_file, other };
EtcEntry look_at_etc_entry(BorrowedFd etc, const char* name);

void put_etc_file(BorrowedFd etc, const char* name, std::string_view text);
void put_etc_link(BorrowedFd etc, const char* name, const std::string& target);
void remove_etc_entry(BorrowedFd etc, const char* name);
// The host's file, read-only, over the entry, which is made if it is missing.
void bind_host_file(BorrowedFd etc, const char* name, const std::string& host_path);

} // namespace machinist
