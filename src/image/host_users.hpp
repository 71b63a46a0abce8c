// SPDX-License-Identifier: LGPL-2.1-or-later
// Users of the host by name: what a machine that they are bound into has to know of them.
#pragma once

#include "spec/image_facts.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace machinist {

// Those of the names that /etc/passwd has. Passwords are there only for who may read them.
std::map<std::string, HostUser> read_host_users(const std::vector<std::string>& names,
                                                const std::filesystem::path& root = "/");

} // namespace machinist
