// SPDX-License-Identifier: LGPL-2.1-or-later
// systemd as machinistd sees it, on a private bus: scopes that exist, jobs that end when they are told to.
#pragma once

#include "bus/connection.hpp"
#include "bus/served_interface.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace machinist::testing {

class FakeSystemd {
public:
    struct Scope {
        NamedValues properties;
        std::vector<pid_t> processes;
    };

    explicit FakeSystemd(std::unique_ptr<Connection> bus);

    // What the next start answers instead.
    std::optional<std::pair<std::string, std::string>> refuse_start;
    // Without PIDFDs=, as systemd 252 is.
    bool is_old = false;
    // Jobs wait until finish_jobs().
    bool holds_jobs = false;
    // JobRemoved comes before the answer that names the job.
    bool is_hasty = false;
    std::string result = "done";

    void come_again() {
        bus_->release_name("org.freedesktop.systemd1");
        (void)bus_->take_name("org.freedesktop.systemd1", false);
    }
    void finish_jobs();
    // As systemd tells it when it stops a unit for its own reasons.
    void tell_stopping(const std::string& unit);
    void tell_gone(const std::string& unit);

    std::map<std::string, Scope> scopes;
    std::set<std::string> failed;     // left over, must be reset first
    std::vector<std::string> started; // units that were there
    std::vector<std::string> stopped;
    std::vector<std::string> killed; // "UNIT SUBGROUP SIGNAL"
    int subscriptions = 0;

private:
    void start(const Call& call);
    void begin_job(const Call& call, const std::string& unit);
    void end_job(const std::string& job, const std::string& unit);

    std::unique_ptr<Connection> bus_;
    ServedInterface manager_;
    int last_job_ = 0;
    std::vector<std::pair<std::string, std::string>> held_;
};

} // namespace machinist::testing
