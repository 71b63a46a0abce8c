// SPDX-License-Identifier: LGPL-2.1-or-later
// How an image wants to be run, as a settings file of the machine. Pure.
#pragma once

#include "oci/image_documents.hpp"

#include <string>

namespace machinist::oci {

// A command runs below a minimal init, unless the image says by which signal it ends; an init is booted.
std::string settings_text(const ImageConfig& config);

} // namespace machinist::oci
