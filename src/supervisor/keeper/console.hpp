// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's console or its three pipes, relayed to the caller's descriptors in the mode that was ordered.
#pragma once

#include "supervisor/keeper/hotkeys.hpp"
#include "supervisor/keeper/relay.hpp"
#include "supervisor/keeper/screen.hpp"
#include "supervisor/keeper_orders.h"

namespace machinist::keeper {

class Console {
public:
    // Takes console_fd and pipe_fds of the orders.
    explicit Console(const keeper_orders& orders);

    void start(BorrowedFd epoll, std::uint64_t tag);
    // True if there is more that could be moved at once.
    bool pump();
    Hotkeys::Action take_action() {
        return hotkeys_.take();
    }
    void window_changed();
    // After SIGCONT, and now and then while in_background(): nothing else tells that we may read again.
    void foreground_changed();
    [[nodiscard]] static bool in_background();

    // Process 1 has ended: what it left is still to be moved.
    void machine_ended();
    [[nodiscard]] bool drained() const;
    // The terminal as it was found, the cursor at the beginning of a line.
    void finish();

private:
    void start_terminal();
    void start_pipes();
    void end_dead_input();

    const keeper_orders& orders_;
    Endpoint pty_;
    Screen screen_;
    Hotkeys hotkeys_;
    Relay input_;
    Relay output_;
    Relay errors_;
    bool decorated_ = false;
    char context_[33] = ""; // of OSC 3008
};

} // namespace machinist::keeper
