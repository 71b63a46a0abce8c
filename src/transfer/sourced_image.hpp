// SPDX-License-Identifier: LGPL-2.1-or-later
// An OCI image as it is found somewhere: its configuration is read, its layers are still to be had.
#pragma once

#include "base/unique_fd.hpp"
#include "oci/digest.hpp"
#include "oci/image_documents.hpp"
#include "transfer/progress_meter.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct SourcedLayer {
    oci::Digest contents;              // of the archive that it is, unpacked
    std::optional<oci::Digest> digest; // of the file as it comes
    std::uint64_t size = 0;            // of that; 0 if nobody says
    // The file, read from its beginning. label: " 2/7", for the stages that it tells.
    std::function<UniqueFd(ProgressMeter& meter, const std::string& label)> open;
};

struct SourcedImage {
    oci::ImageConfig config;
    std::vector<SourcedLayer> layers; // the lowest first
};

} // namespace machinist
