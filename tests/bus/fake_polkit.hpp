// SPDX-License-Identifier: LGPL-2.1-or-later
// polkit on a private bus: it knows who may what, remembers what it was asked, and can take its time.
#pragma once

#include "bus/connection.hpp"
#include "bus/served_interface.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace machinist::testing {

class FakePolkit {
public:
    struct Asked {
        std::string caller;
        std::string action;
        std::map<std::string, std::string> details;
        std::uint32_t flags = 0;
        std::string cancellation;
    };

    explicit FakePolkit(std::unique_ptr<Connection> bus);

    std::set<std::string> allowed;
    bool takes_its_time = false;
    std::vector<Asked> asked;
    std::vector<std::string> cancelled;

    // Those that wait.
    void decide(bool allow);

private:
    static void tell(const Call& call, bool allow);

    std::unique_ptr<Connection> bus_;
    ServedInterface authority_;
    std::vector<Call> waiting_;
};

} // namespace machinist::testing
