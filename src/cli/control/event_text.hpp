// SPDX-License-Identifier: LGPL-2.1-or-later
// What happened to machines, as a line for programs and as one for people.
#pragma once

#include <cstdint>
#include <string>
#include <systemd/sd-bus.h>

namespace machinist {

struct Event {
    std::string json;  // one line, without its end
    std::string words; // for people
};

// A signal of the service: any, also one that this program knows nothing of. Its message is read.
Event event_of_signal(sd_bus_message* signal);
// A machine came or went without a signal; state: also that of one that goes on, "" for one that is gone.
Event event_of_machine(const std::string& name, const std::string& member, const std::string& state);
// The service itself.
Event event_of_service(const std::string& name, bool is_there);

} // namespace machinist
