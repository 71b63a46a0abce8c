// SPDX-License-Identifier: LGPL-2.1-or-later
// A tar archive, packed in any way that is known, becomes a tree. This is the one way in which archives get in:
//
//     InputStream stream{file, {.digest_unpacked = true}};    // any descriptor; thread of its own, detects compression
//     extract_tar(stream, directory, {.whiteouts = Whiteouts::overlay, .progress = ...});
//     stream.digest_as_read(), stream.digest_unpacked()       // of a layer: its digest and its diff id
//
// On any failure the directory holds a part of the archive, and is the caller's to remove: work in a directory with a
// name of its own (image/set_aside.hpp) and rename it when all is well.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/extraction_limits.hpp"
#include "transfer/input_stream.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace machinist {

// What ".wh.NAME" and ".wh..wh..opq" of layers become.
enum class Whiteouts {
    as_files, // they are files like others
    overlay,  // what overlayfs takes for them: character devices 0:0, directories with "trusted.overlay.opaque"
};

struct ExtractionOptions {
    ExtractionLimits limits{};
    Whiteouts whiteouts = Whiteouts::as_files;
    // Called for every entry, and for every megabyte or so of large ones. What it throws ends the extraction.
    std::function<void(std::uint64_t entries)> progress;
    std::function<void(std::string_view sentence)> warn;
};

struct Extracted {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0; // of files
};

// directory: empty, or at least written by nobody else meanwhile. Owners, modes, times, extended attributes (users',
// capabilities, labels), access lists, sparse files, hard links within the archive, fifos and devices are kept; owners
// need root. Throws Failure: hostile for an archive that is shaped to harm, damaged, cut off or followed by something.
Extracted extract_tar(InputStream& stream, BorrowedFd directory, const ExtractionOptions& options = {});

} // namespace machinist
