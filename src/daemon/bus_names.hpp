// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of the daemon on the bus: its own always, systemd-machined's where nobody else has it.
#pragma once

#include "daemon/service.hpp"

#include <functional>

namespace machinist {

class BusNames {
public:
    // Throws Failure(busy) if another machinistd runs. on_change: called when the other provider has gone, or another
    // one has come.
    BusNames(Service& service, std::function<void(bool is_provider)> on_change);
    void release();

private:
    void provide(bool is_provider);

    Service& service_;
    std::function<void(bool is_provider)> on_change_;
    BusSlot acquired_;
    BusSlot lost_;
};

} // namespace machinist
