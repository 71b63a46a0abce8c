// SPDX-License-Identifier: LGPL-2.1-or-later
// OCI images in directories and archives: an OCI layout, oci-archive, or what `docker save` writes.
#pragma once

#include "image/pool.hpp"
#include "transfer/sourced_image.hpp"

#include <filesystem>
#include <string>

namespace machinist {

bool is_image_layout(BorrowedFd directory);
// By its first entry. The file's place is left where it was.
bool is_image_archive(BorrowedFd file);

// name: of one of several images, as its tag is written; "" if there is one only. The directory's descriptor is kept
// with the layers. Throws Failure; every blob is held against its digest.
SourcedImage image_in_layout(BorrowedFd directory, const std::string& name);

// An archive's contents, beside the new images; gone with the object.
class UnpackedArchive {
public:
    UnpackedArchive(const Pool& pool, BorrowedFd file, ProgressMeter& meter);
    UnpackedArchive(const UnpackedArchive&) = delete;
    UnpackedArchive& operator=(const UnpackedArchive&) = delete;
    ~UnpackedArchive();

    [[nodiscard]] BorrowedFd directory() const {
        return directory_;
    }

private:
    void remove() noexcept;

    std::filesystem::path path_;
    UniqueFd lock_;
    UniqueFd directory_;
};

} // namespace machinist
