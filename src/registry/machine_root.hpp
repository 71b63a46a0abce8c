// SPDX-License-Identifier: LGPL-2.1-or-later
// A running machine's root directory, and the machine standing still while it is looked at.
#pragma once

#include "base/unique_fd.hpp"
#include "registry/machine.hpp"

#include <filesystem>

namespace machinist {

// Throws Failure(not_found) if the machine has ended.
UniqueFd open_machine_root(const Machine& machine);

// All its processes are stopped for as long as it lives. Throws Failure(not_supported) where they cannot be.
class StandingStill {
public:
    explicit StandingStill(const Machine& machine);
    StandingStill(const StandingStill&) = delete;
    StandingStill& operator=(const StandingStill&) = delete;
    ~StandingStill();

private:
    std::filesystem::path group_; // none: it stood still before
};

} // namespace machinist
