// SPDX-License-Identifier: LGPL-2.1-or-later
// OCI images in registries (distribution specification 1.x).
#pragma once

#include "oci/reference.hpp"
#include "transfer/sourced_image.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

struct RegistryOptions {
    bool may_be_plain = false; // http where the registry is not on this host, too
    std::vector<std::filesystem::path> credentials = credential_files();
    std::chrono::seconds patience{60};
    std::filesystem::path room; // where layers wait to be unpacked, in files without names

    // Where docker, podman and others keep theirs: $REGISTRY_AUTH_FILE alone if it is set.
    static std::vector<std::filesystem::path> credential_files();
};

// What the reference means on this architecture. Throws Failure; every byte is held against its digest, so only the
// tag is taken on trust. Layers are fetched when they are opened.
SourcedImage image_in_registry(const oci::Reference& reference, const RegistryOptions& options, ProgressMeter& meter);

} // namespace machinist
