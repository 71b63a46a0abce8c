// SPDX-License-Identifier: LGPL-2.1-or-later
// "REGISTRY[:PORT]/NAME[:TAG][@DIGEST]": an image in a registry. Valid by construction.
#pragma once

#include "oci/digest.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace machinist::oci {

struct Reference {
    std::string registry; // "registry.example:5000"
    std::string name;     // "library/debian"
    std::string tag;      // "latest" if neither tag nor digest is written; may be empty beside a digest
    std::optional<Digest> digest;

    // The registry must be written: there is none that everybody means.
    static std::optional<Reference> parse(std::string_view text);

    [[nodiscard]] std::string text() const;
    // What a manifest is asked for by.
    [[nodiscard]] std::string version() const {
        return digest ? digest->text() : tag;
    }
    // A name for an image of the pool: "debian".
    [[nodiscard]] std::string short_name() const;
    // localhost, 127.0.0.0/8, ::1
    [[nodiscard]] bool is_on_this_host() const;
};

// "host", "host:80", "[::1]:80"
bool is_loopback(std::string_view authority);

} // namespace machinist::oci
