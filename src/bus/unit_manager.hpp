// SPDX-License-Identifier: LGPL-2.1-or-later
// systemd, as far as we need it. Everything is answered later, through the loop.
#pragma once

#include "kernel/pidfd.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace machinist {

class Failure;

// Unit properties as a caller wrote them, a(sv): handed on as they are, systemd judges them.
class PassedProperties;

struct ScopeRequest {
    std::string name;
    std::string description;
    const Pidfd& leader;                                // looked at before start_scope() returns
    std::shared_ptr<const PassedProperties> properties; // may be none
};

// A machine kept by a unit of its own, as by the template unit, with another command.
struct ServiceRequest {
    std::string name;
    std::string description;
    std::vector<std::string> command;
};

enum class UnitChange : std::uint8_t { stopping, gone };

class UnitManager {
public:
    // nullptr: it worked.
    using OnDone = std::function<void(const Failure*)>;
    using OnChange = std::function<void(const std::string& unit, UnitChange)>;

    UnitManager() = default;
    UnitManager(const UnitManager&) = delete;
    UnitManager& operator=(const UnitManager&) = delete;
    virtual ~UnitManager() = default;

    // In machine.slice, delegated. Done when its unit job is.
    virtual void start_scope(const ScopeRequest& request, OnDone done) = 0;
    // Done when its unit job is; at once for one that runs already.
    virtual void start_unit(const std::string& unit, OnDone done) = 0;
    // Of one whose start was asked for by somebody else before; nothing is started that is not starting.
    virtual void await_start(const std::string& unit, OnDone done) = 0;
    // In machine.slice, delegated, with notifications. Done when it is ready.
    virtual void start_service(const ServiceRequest& request, OnDone done) = 0;
    // Done when systemd has taken the order. A unit that is not there is stopped.
    virtual void stop_unit(const std::string& unit, OnDone done) = 0;
    // Every process of the unit, or of one group below it.
    virtual void kill_unit(const std::string& unit, const std::string& subgroup, int signal, OnDone done) = 0;
    // Of every unit there is; by one match, whatever their number.
    virtual void on_change(OnChange handler) = 0;
};

} // namespace machinist
