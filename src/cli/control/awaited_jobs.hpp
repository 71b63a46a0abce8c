// SPDX-License-Identifier: LGPL-2.1-or-later
// Jobs of the service, and how they ended.
#pragma once

#include "cli/control/service_client.hpp"

#include <set>
#include <string>

namespace machinist {

struct JobEnd {
    std::string state;   // done, failed, canceled
    int status = 0;      // of a command
    std::string message; // why it failed
};

class AwaitedJobs {
public:
    // Made before a job is asked for: its end may come at once.
    explicit AwaitedJobs(ServiceClient& client);

    // Until its end; SIGINT and SIGTERM cancel it. Throws Failure if the service is gone for good.
    JobEnd wait(const std::string& job);
    // How it is at the moment: "running", or how it ended.
    JobEnd look(const std::string& job);

private:
    [[nodiscard]] NamedValues properties_of(const std::string& job);

    ServiceClient& client_;
    std::set<std::string> ended_;
    BusSlot slot_;
};

} // namespace machinist
