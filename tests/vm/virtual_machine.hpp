// SPDX-License-Identifier: LGPL-2.1-or-later
// The virtual machine that all cases of this suite share.
#pragma once

#include "namespaces/program.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace machinist::test {

// Why it cannot be had here; "" if it can.
std::string why_no_virtual_machine();

class VirtualMachine {
public:
    VirtualMachine();
    VirtualMachine(const VirtualMachine&) = delete;
    VirtualMachine& operator=(const VirtualMachine&) = delete;
    ~VirtualMachine();

    // Output and errors are one.
    Outcome sh(const std::string& command);

private:
    [[nodiscard]] std::string console() const;

    std::filesystem::path work_;
    std::unique_ptr<Program> program_;
};

// Boots at the first call.
VirtualMachine& virtual_machine();

} // namespace machinist::test
