// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that belong to an image by its name, where the image comes in the place of another: several names cannot change
// at once, so each file waits under a name of its own (set_aside.hpp) and says what becomes of it when the image has
// come. Whoever is cut off has left all that is needed to go on; before the image came there is nothing to go on with.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>

namespace machinist {

enum class Succession { replaces, removes }; // the file of that name

// For the image that is open here and will be called entry. False where the filesystem has no attributes to say it by.
bool wait_for_image(BorrowedFd file, Succession what, const std::string& target, BorrowedFd image,
                    const std::string& entry);

// path: that of file, which is locked. False if it waits for nothing, or its image has not come.
bool succeed_if_image_came(BorrowedFd file, const std::filesystem::path& path);

// All in directory that nobody sees to any more. Where that is not permitted, they wait on.
void finish_successions_in(const std::filesystem::path& directory) noexcept;

} // namespace machinist
