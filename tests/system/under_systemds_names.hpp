// SPDX-License-Identifier: LGPL-2.1-or-later
// Our programs in the places of systemd-nspawn and machinectl, and machinistd as the provider of machine1: what others
// wrote for those finds ours.
#pragma once

#include "system/host.hpp"

namespace machinist::test {

class UnderSystemdsNames : public OnAHost {
protected:
    void SetUp() override;
    void TearDown() override;

    static bool is_running(const std::string& machine) {
        return holds("machinectl show --property=State " + machine + " | grep -qx State=running");
    }
    // Its last words if it is not ready in time.
    static std::string why_not_running(const std::string& machine, const std::string& unit);
    static bool ends(const std::string& machine);
};

} // namespace machinist::test
