// SPDX-License-Identifier: LGPL-2.1-or-later
// One machine of the daemon's registry.
#pragma once

#include "base/enum_names.hpp"
#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"

#include <cstdint>
#include <string>

namespace machinist {

enum class MachineState : std::uint8_t { opening, running, closing };
inline constexpr EnumNames<MachineState, 3> machine_state_names{
    {{MachineState::opening, "opening"}, {MachineState::running, "running"}, {MachineState::closing, "closing"}}};

struct RegisteredMachine {
    MachineRecord record;
    std::string subgroup; // of the leader, below the unit: then the unit holds more than the machine
    Pidfd leader;
    MachineState state = MachineState::opening;
    bool announced = false; // others were told that it exists
    bool is_host = false;   // the one that is always there and has no file

    [[nodiscard]] const std::string& name() const {
        static const std::string host = ".host";
        return is_host ? host : record.name.text();
    }
    [[nodiscard]] bool owns_unit() const {
        return !record.scope.empty() && subgroup.empty();
    }
};

} // namespace machinist
