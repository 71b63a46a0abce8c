// SPDX-License-Identifier: LGPL-2.1-or-later
// From where packages come, and how mmdebstrap is asked to make a tree of them. Pure but for read_host_archives().
#pragma once

#include "recipe/recipe.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// What the host's own apt uses.
struct HostArchives {
    std::string release;                  // "bookworm": its own
    std::optional<std::string> mirror;    // of its release
    std::optional<std::string> security;  // of the updates for that
    std::optional<std::string> snapshots; // with @SNAPSHOTID@ where the moment belongs
    std::vector<std::string> apt_options; // 'Acquire::http::Proxy "..."': how mirrors are reached
};

// By apt-get and apt-config; all empty where there is no apt.
HostArchives read_host_archives();

// targets: lines "URI RELEASE COMPONENT CREATED_BY" of apt-get indextargets; dump: of apt-config, 'NAME "VALUE";'.
HostArchives parse_host_archives(std::string_view release, std::string_view targets, std::string_view dump);

// Lines for a sources.list; none: mmdebstrap's own choice. Throws Failure(not_found) where a snapshot is asked for and
// nothing tells where snapshots are. mirrors: instead of the recipe's.
std::vector<std::string> archive_lines(const Recipe& recipe, const std::vector<std::string>& mirrors,
                                       const HostArchives& host);

// The command line. Without sources it has no word for them; else they come on standard input.
std::vector<std::string> bootstrap_command(const Recipe& recipe, const std::filesystem::path& tree, bool has_sources,
                                           const HostArchives& host);

} // namespace machinist
