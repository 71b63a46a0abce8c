// SPDX-License-Identifier: LGPL-2.1-or-later
// The socket on which the machine's process 1 tells how it is; nobody else is heard (Container Interface D1).
#pragma once

#include "supervisor/keeper/notify_fields.hpp"
#include "supervisor/keeper/notify_outside.hpp"

#include <sys/types.h>

namespace machinist::keeper {

class NotifyReceiver {
public:
    // Takes the socket; -1 if the machine has none.
    NotifyReceiver(UniqueFd socket, pid_t leader, const ServiceManager& manager);

    [[nodiscard]] BorrowedFd descriptor() const {
        return socket_;
    }
    // Hears what is queued, up to a bound; keeps it in the run directory and passes on what concerns the manager.
    void receive(BorrowedFd run_directory);
    // From now on signals of systemd's interface reach a handler.
    [[nodiscard]] bool signals_installed() const {
        return signals_installed_;
    }

private:
    bool receive_one();
    void pass_on(const NotifyMessage& told, std::span<const int> descriptors) const;

    UniqueFd socket_;
    pid_t leader_;
    const ServiceManager& manager_;
    bool signals_installed_ = false;
    NotifyFields fields_;
};

} // namespace machinist::keeper
