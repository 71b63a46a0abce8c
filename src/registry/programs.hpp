// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the programs are that this one runs: in the same build tree, else where they were installed.
#pragma once

#include <filesystem>
#include <string>

namespace machinist {

// name: "machinist-supervisor", "machinist-enter", "machinist-image", "machinist-survey".
std::filesystem::path program_near(const std::string& name);

} // namespace machinist
