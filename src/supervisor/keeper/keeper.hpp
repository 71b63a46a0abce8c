// SPDX-License-Identifier: LGPL-2.1-or-later
// Stays beside one running machine until it ends: console, notifications, signals, then its end.
#pragma once

#include "supervisor/keeper/console.hpp"
#include "supervisor/keeper/leader.hpp"
#include "supervisor/keeper/notify_inside.hpp"
#include "supervisor/keeper/signals.hpp"

namespace machinist::keeper {

class Keeper {
public:
    // Takes the descriptors of this start. Orders and signals must outlive it.
    Keeper(const keeper_orders& orders, const Signals& signals);

    // Until process 1 has ended and all that it wrote has been passed on.
    void run();
    // What process 1's end means, told to the manager and on stderr. True if the machine shall start again at once.
    bool conclude(int& exit_status);

private:
    void announce() const;
    void watch(BorrowedFd descriptor, std::uint64_t tag) const;
    void wait_for_events(bool at_once);
    void handle_signals();
    void stop_requested();
    void request(int signal);
    void request_end();
    // For inits that take no signal: "machinist VERB NAME".
    void ask_by_launcher(const char* verb) const;
    void kill();
    void act_on_hotkeys();
    void deliver_request();
    void leader_may_have_ended(bool pidfd_says_so);

    const keeper_orders& orders_;
    const Signals& signals_;
    ServiceManager manager_;
    Leader leader_;
    BorrowedFd run_directory_;
    BorrowedFd cgroup_;
    NotifyReceiver notify_;
    Console console_;
    UniqueFd epoll_;

    Milliseconds started_;
    int requested_signal_ = 0; // waits for process 1 to be able to hear it
    bool stopping_ = false;
    bool killed_ = false;
    bool ended_ = false;
    bool abandon_output_ = false;
};

} // namespace machinist::keeper
