// SPDX-License-Identifier: LGPL-2.1-or-later
// A shell or a login prompt in a machine as a unit of the machine's own systemd, with this terminal connected to it.
#pragma once

#include "bus/session_units.hpp"
#include "registry/machine.hpp"
#include "registry/places.hpp"

#include <functional>
#include <optional>

namespace machinist {

struct SessionWish {
    std::optional<ShellUnit> shell; // nothing: a login prompt
    bool quiet = false;
    std::function<void()> announce; // just before it is connected
};

// The shell's exit status, 0 for a login prompt. Nothing if the machine has no systemd that can be asked.
std::optional<int> run_session_unit(const Machine& machine, const SessionWish& wish, const Places& places);

} // namespace machinist
