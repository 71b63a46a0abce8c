// SPDX-License-Identifier: LGPL-2.1-or-later
// Overlays of a writable directory on a tree that stays as it is.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

// The two directories that an overlay needs beside what it lies on.
struct UpperLayer {
    UniqueFd upper;
    UniqueFd work;
    bool is_new = true; // its top is to look like that of what it lies on
};

// Room for the upper layers of one machine.
class UpperSpace {
public:
    // A fresh tmpfs, attached at place, a directory of a private mount namespace: gone with that namespace.
    // size and inodes as tmpfs(5) writes them; empty: the kernel's default, half of the memory.
    static UpperSpace in_memory(BorrowedFd place, const std::string& size = "", const std::string& inodes = "");
    // What lies in directory is removed first. Failure(not_supported) with a remedy if no upper can lie there.
    static UpperSpace on_disk(const std::filesystem::path& directory);

    // Empty directories for one more overlay.
    UpperLayer next();

private:
    explicit UpperSpace(UniqueFd directory) : directory_(std::move(directory)) {}
    UniqueFd directory_;
    int made_ = 0;
};

// One that is kept: "data" and "work" in directory, made if they are missing.
UpperLayer open_kept_layer(BorrowedFd directory);

struct OverlayOptions {
    // A change of owner or mode copies no contents. Only for trees whose extended attributes are ours.
    bool metadata_only_copies = false;
    bool keep = false; // the layer is used again: it must survive a crash
};

// As many can lie on each other where the kernel takes them in one line only (before Linux 6.5).
inline constexpr std::size_t most_layers = 12;

// upper on lower; the root looks like the root of lower (owner, mode, times, attributes). Both must be attached in
// this mount namespace: kernels before 6.15 refuse others. The result is detached, nodev, and never synced: a layer
// that is thrown away has nothing to lose in a crash.
UniqueFd make_overlay(BorrowedFd lower, const UpperLayer& layer, const OverlayOptions& options = {});
// The uppermost first.
UniqueFd make_overlay(const std::vector<BorrowedFd>& lowers, const UpperLayer& layer, const OverlayOptions& options);
UniqueFd make_read_only_overlay(const std::vector<BorrowedFd>& lowers);

} // namespace machinist
