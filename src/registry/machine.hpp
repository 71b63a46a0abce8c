// SPDX-License-Identifier: LGPL-2.1-or-later
// A running machine as far as it is known from its files. Its leader is held, so what is asked of it is asked of it.
#pragma once

#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace machinist {

struct Machine {
    MachineRecord record;
    Pidfd leader;
    std::filesystem::path run_directory; // empty: another manager's, or the caller may not look
    std::optional<MachineSpec> spec;     // ours only
    // Its payload has not been executed yet: its leader is still ours, and may still see the host's files.
    bool opening = false;
    // What its process 1 told by sd_notify, latest values.
    std::map<std::string, std::string> notifications;

    [[nodiscard]] const std::string& name() const {
        return record.name.text();
    }
    [[nodiscard]] bool is_ready() const {
        const auto ready = notifications.find("READY");
        return ready != notifications.end() && ready->second == "1";
    }
    // "opening", "running", or "closing" once its process 1 said that it is on its way down.
    [[nodiscard]] const char* state() const {
        if (opening)
            return "opening";
        return notifications.contains("STOPPING") || notifications.contains("X_SYSTEMD_SHUTDOWN") ? "closing"
                                                                                                  : "running";
    }
};

} // namespace machinist
