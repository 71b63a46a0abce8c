// SPDX-License-Identifier: LGPL-2.1-or-later
// Specs of the Container Device Interface (versions 0.2 to 1.x), as data: what one file says of the devices of one
// kind, and what those that were asked for bring into a machine together. Pure.
#pragma once

#include "spec/cdi_edits.hpp"
#include "spec/cdi_name.hpp"
#include "spec/problem.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// Which device a spec takes a node of the host for.
struct CdiClaim {
    Path node;
    char type = 0; // 'b', 'c', or nothing said
    std::optional<std::uint32_t> major;
    std::optional<std::uint32_t> minor;
    Path file;
    std::string place; // in the document
};

// What was found about them counts once somebody wants them.
struct CdiPart {
    CdiEdits edits;
    std::vector<CdiClaim> claims;
    Problems problems;
    Problems warnings;
};

struct CdiSpec {
    Path file;
    std::size_t rank = 0; // of its directory: a higher one wins
    std::string kind;
    std::map<std::string, CdiPart> devices;
    CdiPart all;       // with any of them
    Problems problems; // not empty: the file as a whole is of no use
};

inline constexpr std::size_t largest_cdi_file = std::size_t{1} << 20;

CdiSpec read_cdi_spec(std::string_view json, const Path& file, std::size_t rank);

// All that can be asked for by name, sorted, each once, with the file that it would come from.
std::map<std::string, Path> cdi_devices(std::span<const CdiSpec> specs);

// In the order of the names, each once. A name that is nowhere, or twice in directories of one rank, is a problem.
CdiPart compose_cdi(std::span<const CdiName> names, std::span<const CdiSpec> specs);

} // namespace machinist
