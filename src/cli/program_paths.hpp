// SPDX-License-Identifier: LGPL-2.1-or-later
// Where our programs are: beside this one in a build tree, else where they were installed.
#pragma once

#include <filesystem>
#include <string>

namespace machinist {

// name: "machinist-supervisor", "machinist-control", "machinist-enter", "machinist-unit".
std::filesystem::path program_path(const std::string& name);
std::filesystem::path own_path();

} // namespace machinist
