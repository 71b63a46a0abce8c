// SPDX-License-Identifier: LGPL-2.1-or-later
// Waits until something about machines may have changed: their files, or that a process ended. What has changed is then
// asked of the MachineStore.
#pragma once

#include "base/unique_fd.hpp"
#include "registry/places.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

class MachineWatch {
public:
    using Clock = std::chrono::steady_clock;

    // names: the machines whose own files matter. Look at them after this, not before: then no change is missed.
    MachineWatch(const Places& places, std::vector<std::string> names);

    // Instead of those before.
    void watch(std::vector<std::string> names);

    // False if nothing happened until then. processes: pidfds whose end is a change.
    bool wait(const std::vector<BorrowedFd>& processes, std::optional<Clock::time_point> deadline);

private:
    void watch_all();

    Places places_;
    std::vector<std::string> names_;
    UniqueFd events_;
};

} // namespace machinist
