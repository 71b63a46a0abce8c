// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a machine is still on the host: found by looking, not by asking the program that should have removed it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace machinist::test {

// One sentence for each thing that carries the machine's name or lies in the test's directory.
std::vector<std::string> remnants_of(const std::string& name, const std::filesystem::path& workplace);

// Processes with the name in their command line.
std::vector<std::string> processes_of(const std::string& name);

// What no machine may change: the device nodes of the host, its names, its users' limits on kernel objects.
std::string fingerprint_of_host();

} // namespace machinist::test
