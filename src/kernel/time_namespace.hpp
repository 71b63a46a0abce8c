// SPDX-License-Identifier: LGPL-2.1-or-later
// Time namespaces: whoever is born in one has clocks of its own.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>

namespace machinist {

// What is added to a clock.
struct ClockShift {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

// While it lives, children of the calling process, which has one thread, are born with these clocks; the process keeps
// its own. (A child that brought its namespace along by clone3(2) would be in it before anybody could say what it
// shows.) In the child nothing is to be taken back.
class ClocksOfChildren {
public:
    ClocksOfChildren(const ClockShift& monotonic, const ClockShift& boot_time);
    ClocksOfChildren(const ClocksOfChildren&) = delete;
    ClocksOfChildren& operator=(const ClocksOfChildren&) = delete;
    ~ClocksOfChildren();

private:
    UniqueFd former_;
};

} // namespace machinist
