// SPDX-License-Identifier: LGPL-2.1-or-later
// Images as oci-archive files, for skopeo, podman and whoever else reads them.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool.hpp"
#include "transfer/compression.hpp"
#include "transfer/progress_meter.hpp"

#include <string>

namespace machinist {

// The whole tree is one layer; how it is run is taken from its settings file. Compressions other than none, gzip and
// zstd are Failure(invalid): no reader of such images knows them.
void export_oci_archive(const Pool& pool, const std::string& name, BorrowedFd to, Compression compression,
                        ProgressMeter& meter);

} // namespace machinist
