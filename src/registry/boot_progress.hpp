// SPDX-License-Identifier: LGPL-2.1-or-later
// How far a machine's init has got on its way up or down, as it told by sd_notify. Pure.
#pragma once

#include "registry/machine.hpp"

#include <cstdint>
#include <string>

namespace machinist {

struct BootProgress {
    std::string phase;         // starting, sysinit, basic, multi-user, graphical, ready, closing; "": nothing is told
    std::uint32_t percent = 0; // 100 once it is ready
    std::string status;        // for people, in the words of the machine
    friend bool operator==(const BootProgress&, const BootProgress&) = default;
};

BootProgress boot_progress_of(const Machine& machine);

} // namespace machinist
