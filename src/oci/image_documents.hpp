// SPDX-License-Identifier: LGPL-2.1-or-later
// The documents that an OCI or Docker image consists of. Pure; nobody vouches for any of them. All throw Failure.
#pragma once

#include "oci/digest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace machinist::oci {

inline constexpr std::uint64_t largest_document = std::uint64_t{4} << 20;

struct Platform {
    std::string os;
    std::string architecture;
    std::string variant;
};

// A blob: what it is, and what it must be.
struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;
    std::optional<Platform> platform;
    std::string name; // its annotation "org.opencontainers.image.ref.name"
};

struct Index {
    std::vector<Descriptor> manifests;
};

struct Manifest {
    Descriptor config;
    std::vector<Descriptor> layers; // the lowest first
};

struct ImageConfig {
    Platform platform;
    std::vector<Digest> layers; // of what they unpack to, the lowest first
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::vector<std::string> environment;
    std::string user;
    std::string working_directory;
    std::string stop_signal;
};

// manifest.json of `docker save`: paths in the archive.
struct SavedImage {
    std::string config;
    std::vector<std::string> names; // "debian:12"
    std::vector<std::string> layers;
};

std::variant<Index, Manifest> read_index_or_manifest(std::string_view text);
ImageConfig read_image_config(std::string_view text);
std::vector<SavedImage> read_saved_images(std::string_view text);

// "amd64" of this program.
std::string own_architecture();
// The one of the list that runs here. Failure(not_supported) names those that there are; (invalid) if name is given
// and none has it, or several could be meant.
const Descriptor& choose_manifest(const Index& index, const std::string& name);

} // namespace machinist::oci
