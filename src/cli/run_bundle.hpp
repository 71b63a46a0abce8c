// SPDX-License-Identifier: LGPL-2.1-or-later
// --oci-bundle: the bundle's own words in the place of a settings file.
#pragma once

#include "oci/bundle.hpp"
#include "spec/command_line.hpp"
#include "spec/image_facts.hpp"

namespace machinist {

// Throws Failure if it cannot be read at all. What the host does not have of it is among its problems.
Bundle load_bundle(const StartRequest& request, const HostFacts& host);

// The request as if it had been made without a bundle: its name is the machine's, unless another is asked for.
StartRequest request_for_bundle(const StartRequest& request);

} // namespace machinist
