// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that belong to an image by its name: settings, hashes, the state of virtual hardware.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace machinist {

// Where they would be for an image of that name in directory, whether they are there or not.
std::vector<std::filesystem::path> auxiliary_places(const PoolPlaces& places, const std::filesystem::path& directory,
                                                    std::string_view name);

// Made before the image gets its new name, so that it is never without. What is there already is the administrator's
// wish and stays. move: the second half, once the image has its new name.
class AuxiliaryMove {
public:
    AuxiliaryMove(const PoolPlaces& places, const std::filesystem::path& directory, std::string_view from,
                  std::string_view to);
    void prepare() const;
    void finish() const;

private:
    std::vector<std::filesystem::path> from_;
    std::vector<std::filesystem::path> to_;
};

// Those in from_directory for another image in to_directory.
void copy_auxiliary_files(const PoolPlaces& places, const std::filesystem::path& from_directory, std::string_view from,
                          const std::filesystem::path& to_directory, std::string_view to);
void remove_auxiliary_files(const PoolPlaces& places, const std::filesystem::path& directory, std::string_view name);

// Says on the file itself that it came for an image which is still to come, or no longer so. Filesystems without
// attributes know nothing of it.
void mark_as_brought(BorrowedFd file, bool brought) noexcept;
// Files of that mark whose image never came, and that nobody has locked.
std::vector<std::filesystem::path> brought_for_nothing(const std::filesystem::path& directory);

} // namespace machinist
