// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of the daemon on the bus: its own always, systemd-machined's where nobody else has it.
#pragma once

#include "daemon/service.hpp"

namespace machinist {

class BusNames {
public:
    // Throws Failure(busy) if another machinistd runs.
    explicit BusNames(Service& service);
    void release();

private:
    void provide(bool is_provider);

    Service& service_;
    BusSlot acquired_;
    BusSlot lost_;
};

} // namespace machinist
