// SPDX-License-Identifier: LGPL-2.1-or-later
// Images from files and directories of the host.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool.hpp"
#include "transfer/new_image.hpp"
#include "transfer/progress_meter.hpp"

#include <filesystem>
#include <string>

namespace machinist {

enum class ImportKind { tar, raw, directory };

// What a file or directory is, by its content: a disk image, a tar archive, however packed, or a directory. Its place
// is left where it was. Failure(not_supported) for pipes, Failure(invalid) for what is none of these.
ImportKind kind_of_import(BorrowedFd file);

// from: a file or pipe, from where it is now; for a directory itself. The image is whole when this returns, and nothing
// is there if it throws.
void import_image(const Pool& pool, ImportKind kind, BorrowedFd from, const std::string& name,
                  const NewImageOptions& options, ProgressMeter& meter);

// Into an image that is made already: for what is on disk by then.
void unpack_tar_into(BorrowedFd file, BorrowedFd directory, ProgressMeter& meter);
void unpack_raw_into(BorrowedFd file, const NewImage& image, ProgressMeter& meter);

// "web" of "/tmp/web.tar.xz", "web.raw" and the like.
std::string image_name_from(const std::filesystem::path& path);

} // namespace machinist
