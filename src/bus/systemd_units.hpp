// SPDX-License-Identifier: LGPL-2.1-or-later
// The UnitManager that is systemd, over the bus. It listens before it asks, and to all units at once.
#pragma once

#include "bus/connection.hpp"
#include "bus/unit_manager.hpp"

#include <map>
#include <string>

namespace machinist {

class PassedProperties {
public:
    // The a(sv) that comes next in the message.
    explicit PassedProperties(sd_bus_message* from);
    PassedProperties(const PassedProperties&) = delete;
    PassedProperties& operator=(const PassedProperties&) = delete;
    ~PassedProperties() {
        sd_bus_message_unref(copy_);
    }
    // Each as one more struct of the array that is open in to.
    void append_to(sd_bus_message* to) const;

private:
    sd_bus_message* copy_ = nullptr;
};

class SystemdUnits : public UnitManager {
public:
    explicit SystemdUnits(Connection& bus);

    void start_scope(const ScopeRequest& request, OnDone done) override;
    void start_unit(const std::string& unit, OnDone done) override;
    void await_start(const std::string& unit, OnDone done) override;
    void start_service(const ServiceRequest& request, OnDone done) override;
    void stop_unit(const std::string& unit, OnDone done) override;
    void kill_unit(const std::string& unit, const std::string& subgroup, int signal, OnDone done) override;
    void on_change(OnChange handler) override {
        on_change_ = std::move(handler);
    }

private:
    struct Start;
    void subscribe();
    void ask_to_start(const std::shared_ptr<Start>& start);
    void put_scope(sd_bus_message* message, const Start& start) const;
    static void put_service(sd_bus_message* message, const Start& start);
    void started(const std::shared_ptr<Start>& start, const Answer& answer);
    void ask_state(const std::string& object, const std::string& unit, OnDone done);
    void forget_remains(const std::shared_ptr<Start>& start);
    void job_removed(sd_bus_message* message);
    void properties_changed(sd_bus_message* message);

    Connection& bus_;
    OnChange on_change_;
    bool knows_pidfds_ = true; // PIDFDs= of scopes; older systemd takes numbers only
    std::size_t starts_asked_ = 0;
    std::map<std::string, OnDone> waiting_;    // by job
    std::map<std::string, std::string> early_; // results of jobs whose start is not answered yet
    std::vector<BusSlot> matches_;
};

} // namespace machinist
