// SPDX-License-Identifier: LGPL-2.1-or-later
// The units of a host's systemd that start machines.
#pragma once

#include "cli/control/service_client.hpp"

#include <string>
#include <vector>

namespace machinist {

// "machinist@web.service"; by --runner and the name that this program was called by those of others.
std::string unit_of_machine(const Invocation& call, const std::string& machine);

class HostUnits {
public:
    explicit HostUnits(ServiceClient& client);

    // Until its unit job is done. Throws Failure.
    void start(const std::string& unit);
    // What was changed, for people, a line each. The manager knows of it when this returns.
    std::vector<std::string> enable(const std::vector<std::string>& units);
    std::vector<std::string> disable(const std::vector<std::string>& units);

private:
    void reload();

    ServiceClient& client_;
};

} // namespace machinist
