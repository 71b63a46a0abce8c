// SPDX-License-Identifier: LGPL-2.1-or-later
// Images to files and pipes.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool.hpp"
#include "transfer/compression.hpp"
#include "transfer/progress_meter.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace machinist {

enum class ExportKind { tar, raw };

// An image that a machine writes to is exported as it is at one moment where its filesystem has snapshots; elsewhere
// that is Failure(busy).
void export_image(const Pool& pool, ExportKind kind, const std::string& name, BorrowedFd to, Compression compression,
                  ProgressMeter& meter);

// The file is there whole or as it was before. What is no plain file is written to.
void write_whole(const std::filesystem::path& to, const std::function<void(BorrowedFd file)>& write);
void export_image_to(const Pool& pool, ExportKind kind, const std::string& name, const std::filesystem::path& to,
                     Compression compression, ProgressMeter& meter);

} // namespace machinist
