// SPDX-License-Identifier: LGPL-2.1-or-later
// Ends the daemon when there is no machine and no call for a while: the bus starts it again for the next caller.
#pragma once

#include "daemon/service.hpp"

#include <chrono>
#include <functional>

namespace machinist {

class IdleExit {
public:
    // has_work: beside machines and calls, what keeps it here. release: gives the names away, so that callers start a
    // new daemon from then on.
    IdleExit(Service& service, std::chrono::seconds patience, std::function<bool()> has_work,
             std::function<void()> release);

private:
    void look();
    [[nodiscard]] bool is_idle() const;

    Service& service_;
    std::chrono::seconds patience_;
    std::function<bool()> has_work_;
    std::function<void()> release_;
    std::uint64_t calls_before_ = 0;
    EventSource timer_;
};

} // namespace machinist
