// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells the service manager that started us: sd_notify to $NOTIFY_SOCKET, without a library.
#pragma once

#include "supervisor/keeper/clock.hpp"

#include <span>
#include <string_view>

namespace machinist::keeper {

class ServiceManager {
public:
    // Reads $NOTIFY_SOCKET, $FDSTORE, $WATCHDOG_USEC and $WATCHDOG_PID; the texts stay the environment's.
    ServiceManager();

    // One datagram. Nothing happens where nobody asked; a manager that does not listen is not waited for long.
    void tell(std::string_view message, std::span<const int> descriptors = {}) const;

    // It keeps descriptors for us (FileDescriptorStoreMax=).
    [[nodiscard]] bool stores_descriptors() const {
        return stores_descriptors_;
    }

    // When the next keep-alive is due; `never` without a watchdog.
    [[nodiscard]] Milliseconds next_ping() const {
        return next_ping_;
    }
    void ping_if_due();

private:
    std::string_view socket_;
    bool stores_descriptors_ = false;
    Milliseconds interval_ = never;
    Milliseconds next_ping_ = never;
};

} // namespace machinist::keeper
