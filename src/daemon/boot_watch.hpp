// SPDX-License-Identifier: LGPL-2.1-or-later
// Sees what machines tell while they come up, tells it on the bus, and answers those who wait for it.
#pragma once

#include "bus/call.hpp"
#include "daemon/service.hpp"
#include "registry/boot_progress.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace machinist {

class BootWatch {
public:
    explicit BootWatch(Service& service);

    void added(const RegisteredMachine& machine);
    void removed(const RegisteredMachine& machine);

    [[nodiscard]] BootProgress progress_of(const RegisteredMachine& machine) const;
    // Answers the call when it is so. No timeout: 0. Throws Failure(invalid) for an unknown condition.
    void wait(const Call& call, const RegisteredMachine& machine, const std::string& condition,
              std::chrono::microseconds timeout);

private:
    struct Waiting {
        Call call;
        std::string machine;
        std::string condition;
        EventSource timeout;
        EventSource look_again; // nothing tells of an exec
    };
    void read_events();
    void look_at(const std::string& name);
    void look_at_waiting(std::uint64_t number);
    [[nodiscard]] bool holds(const Waiting& waiting) const;

    Service& service_;
    UniqueFd events_;
    EventSource readable_;
    std::map<int, std::string> names_;            // by watch
    std::map<std::string, BootProgress> current_; // as it was told last
    std::map<std::uint64_t, Waiting> waiting_;
    std::uint64_t last_ = 0;
};

} // namespace machinist
