// SPDX-License-Identifier: LGPL-2.1-or-later
// OCI images become mount stacks: each layer is a base that all images with it share (image/shared_base.hpp).
#pragma once

#include "image/pool.hpp"
#include "transfer/new_image.hpp"
#include "transfer/sourced_image.hpp"

#include <string>

namespace machinist {

// Before anything is fetched. Throws Failure: already_exists, or invalid.
void check_new_image(const Pool& pool, const std::string& name, const NewImageOptions& options);

// The image is whole when this returns, with its settings beside it, and nothing is there if it throws: layers that no
// image has are collected like other bases.
void import_layers(const Pool& pool, const SourcedImage& image, const std::string& name, const NewImageOptions& options,
                   ProgressMeter& meter);

} // namespace machinist
