// SPDX-License-Identifier: LGPL-2.1-or-later
// The documents of an image of ours. Pure; equal images give equal texts.
#pragma once

#include "oci/image_documents.hpp"

#include <string>

namespace machinist::oci {

inline constexpr const char* config_media_type = "application/vnd.oci.image.config.v1+json";
inline constexpr const char* manifest_media_type = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* layer_media_type = "application/vnd.oci.image.layer.v1.tar"; // "+gzip", "+zstd"

std::string text_of(const ImageConfig& config);
std::string text_of(const Manifest& manifest);
// Of a layout; each manifest with its platform and name.
std::string text_of(const Index& index);

} // namespace machinist::oci
