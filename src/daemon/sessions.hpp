// SPDX-License-Identifier: LGPL-2.1-or-later
// Terminals in machines for callers, with nothing, a login prompt or a shell on them.
#pragma once

#include "bus/session_units.hpp"
#include "daemon/errands.hpp"
#include "daemon/service.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace machinist {

class Sessions {
public:
    enum class Kind : std::uint8_t { terminal, login, shell };
    // One of the two is there: master and name of the slave, or why not.
    struct Opened {
        BorrowedFd master;
        std::string slave;
    };
    using OnOpened = std::function<void(const Opened* opened, const Failure* failure)>;

    explicit Sessions(Service& service) : service_(service) {}

    // In a machine by its own systemd over its own bus; where it has none, by machinist-enter, without PAM.
    // Of the host by the host's systemd. Throws Failure.
    void open(const RegisteredMachine& machine, Kind kind, ShellUnit shell, OnOpened done);

private:
    struct Opening {
        std::string machine;
        Kind kind;
        ShellUnit shell;
        OnOpened done;
        UniqueFd master;
        std::string slave;
        std::unique_ptr<Connection> inside;
    };
    using Shared = std::shared_ptr<Opening>;

    void open_on_host(const Shared& opening);
    void start_over(Connection& bus, const Shared& opening);
    void connect(const Shared& opening);
    void started(const Shared& opening, const Failure* failure);
    void start_without_bus(const Shared& opening);
    void retire(std::unique_ptr<Connection> connection);

    Service& service_;
    std::vector<std::unique_ptr<Connection>> retired_; // not ended within their own handlers
    EventSource sweep_;
};

} // namespace machinist
