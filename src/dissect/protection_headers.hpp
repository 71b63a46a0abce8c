// SPDX-License-Identifier: LGPL-2.1-or-later
// The headers of encrypted and verified filesystems, as libcryptsetup reads them.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/disk_opening.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace machinist::dissect {

// Nothing: the passphrase opens none of its slots. Takes the time that its header asks for. Throws Failure.
std::optional<LuksOpening> open_luks(BorrowedFd device, std::uint64_t size, const std::string& passphrase);

// device: what holds the tree of hashes, from its beginning.
VerityOpening read_verity(BorrowedFd device, std::uint64_t size);

} // namespace machinist::dissect
