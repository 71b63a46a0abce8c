// SPDX-License-Identifier: LGPL-2.1-or-later
// Where our programs are: those of the build tree that this one lies in, else those that were installed.
#pragma once

#include <filesystem>
#include <string_view>

namespace machinist {

// Throws Failure.
std::filesystem::path own_path();

// name: "machinist", or a program that is installed for us alone ("machinist-enter"). No promise that it is there.
std::filesystem::path own_program(std::string_view name);

} // namespace machinist
