// SPDX-License-Identifier: LGPL-2.1-or-later
// How an image wants to be run, as a settings file of the machine. Pure.
#pragma once

#include "oci/image_documents.hpp"
#include "spec/settings.hpp"

#include <string>

namespace machinist::oci {

// A command runs below a minimal init, unless the image says by which signal it ends; an init is booted.
std::string settings_text(const ImageConfig& config);

// The other way round: what an image says that is exported. Its layers are still to be named.
ImageConfig config_of(const Settings& settings);

} // namespace machinist::oci
