// SPDX-License-Identifier: LGPL-2.1-or-later
// Locks that keep two writers from one image, understood by systemd-nspawn and systemd-machined too.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

enum class LockMode {
    none, // a copy or a snapshot runs, not the image
    shared,
    exclusive,
};

// Held for as long as the descriptors are open. For each path an undo line "lock PATH": once the descriptors are
// closed the file may go if nobody else holds it (remove_lock_file_if_free).
struct ImageLock {
    std::vector<UniqueFd> descriptors;
    std::vector<std::filesystem::path> paths;
};

inline constexpr std::string_view image_lock_directory = "/run/systemd/nspawn/locks";

// Shared where the image is only read: read-only, overlays, volatile modes.
LockMode lock_mode_for(const RootSpec& root);

// Nothing is locked for none. By inode below locks, and ".#IMAGE.lck" beside the image; a block device by its number
// alone. Failure(busy) if somebody else
// uses it. The host's own root is never locked exclusively.
ImageLock lock_image(const std::filesystem::path& directory, LockMode mode,
                     const std::filesystem::path& locks = image_lock_directory);
// Of a directory that its user opened: by inode alone, because nothing is to be made beside it with other rights.
ImageLock lock_opened_tree(BorrowedFd tree, const std::filesystem::path& directory, LockMode mode,
                           const std::filesystem::path& locks = image_lock_directory);
// Unlocks, and removes the files that nobody else holds.
void let_go(ImageLock& lock);
// By the image's name below locks, for what renames, removes or replaces it.
ImageLock lock_image_name(std::string_view name, LockMode mode,
                          const std::filesystem::path& locks = image_lock_directory);

// One lock file: made if missing (0600), locked both ways (flock(2) and an open file description lock, which is what
// systemd takes). Nothing if somebody else holds it.
std::optional<UniqueFd> lock_file(const std::filesystem::path& path, LockMode mode);
// True if it is gone now.
bool remove_lock_file_if_free(const std::filesystem::path& path);

} // namespace machinist
