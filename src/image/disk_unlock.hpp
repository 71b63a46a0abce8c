// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the program that reads the headers of encrypted and verified filesystems. Their bytes never meet this process.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/disk_opening.hpp"

#include <optional>
#include <string_view>

namespace machinist {

// device: an encrypted filesystem, open for reading. Nothing: it is not this passphrase. Takes seconds: the header says
// how many. Throws Failure.
std::optional<LuksOpening> unlock(BorrowedFd device, std::string_view passphrase);

// tree: what holds the tree of hashes, from its beginning.
VerityOpening read_hash_tree(BorrowedFd tree);

} // namespace machinist
