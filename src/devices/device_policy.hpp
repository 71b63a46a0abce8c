// SPDX-License-Identifier: LGPL-2.1-or-later
// What a running machine may open: the policy of its own group, or that of the unit that it is in.
#pragma once

#include "registry/machine.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <string>

namespace machinist {

class DevicePolicy {
public:
    // Throws Failure: not_supported where no policy of this machine's is to be had.
    static DevicePolicy of(const Machine& machine);

    // What the spec after the change says instead of what it said before. Devices that the host has no more are
    // passed over.
    void change(const MachineSpec& before, const MachineSpec& after) const;

private:
    std::filesystem::path group_; // empty: a unit's
    std::string unit_;
    bool unit_is_the_machines_ = false; // and nobody else wrote what it allows
};

} // namespace machinist
