// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the services on a bus: whoever keeps the list of machines, and systemd. What is asked is waited for.
#pragma once

#include "bus/connection.hpp"
#include "cli/control/invocation.hpp"
#include "cli/control/polkit_agent.hpp"
#include "kernel/pidfd.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace machinist {

// Where everybody's machines are asked for: machinist or systemd-machined.
inline constexpr const char* machine1_service = "org.freedesktop.machine1";
inline constexpr const char* machine1_path = "/org/freedesktop/machine1";
inline constexpr const char* machine1_manager = "org.freedesktop.machine1.Manager";
inline constexpr const char* machine1_machine = "org.freedesktop.machine1.Machine";
inline constexpr const char* our_service = "io.machinist";
inline constexpr const char* our_manager = "io.machinist.Manager1";
inline constexpr const char* our_machine = "io.machinist.Machine1";

class ServiceClient {
public:
    using Fill = Connection::Fill;
    using Take = std::function<void(const Answer&)>;

    // Somebody may have to find a password first.
    static constexpr std::chrono::seconds patience{120};

    // To the bus that the call names: this host's, or by -H and -M another one. Throws Failure if there is none.
    explicit ServiceClient(const Invocation& call);
    // The same; nothing if this host has no bus.
    static std::unique_ptr<ServiceClient> connect_if_there(const Invocation& call);

    // From now on the person at the terminal may be asked for a password.
    void let_person_be_asked();
    // Before another program becomes this process.
    void end_agent() {
        agent_.reset();
    }

    // Throws what the service answered.
    void ask(const Method& method, const Fill& fill, const Take& take = {}, std::chrono::seconds timeout = patience);
    // False if nobody serves that: there is no such service, interface or method.
    bool ask_if_served(const Method& method, const Fill& fill, const Take& take = {},
                       std::chrono::seconds timeout = patience);
    // Turns the bus until it is so, or the time is over. Throws Failure if the bus goes.
    bool wait_until(const std::function<bool()>& condition, std::chrono::steady_clock::time_point deadline);

    // Throws Failure for one that is not known.
    std::string object_of(const std::string& machine);
    // The process is held, so what is asked of it is asked of it.
    Pidfd leader_of(const std::string& machine);

    [[nodiscard]] Connection& bus() {
        return bus_;
    }

private:
    struct Reply {
        bool answered = false;
        bool served = true;
        std::optional<Failure> failure;
    };
    Reply call(const Method& method, const Fill& fill, const Take& take, std::chrono::seconds timeout);

    EventLoop loop_; // never run: what is asked here is waited for
    Connection bus_;
    bool person_is_here_;
    bool may_ask_ = false;
    std::unique_ptr<PolkitAgent> agent_;
};

inline Method of_manager(const char* member) {
    return {machine1_service, machine1_path, machine1_manager, member};
}

} // namespace machinist
