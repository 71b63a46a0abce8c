// SPDX-License-Identifier: LGPL-2.1-or-later
#include "system/under_systemds_names.hpp"

namespace machinist::test {

void UnderSystemdsNames::SetUp() {
    OnAHost::SetUp();
    if (IsSkipped())
        return;
    ASSERT_TRUE(holds("mkdir -p /usr/lib/genuine && for name in systemd-nspawn machinectl; do "
                      "mv /usr/bin/$name /usr/lib/genuine/ && ln -s /usr/bin/machinist /usr/bin/$name || exit; done; "
                      "systemctl enable --quiet machinistd && systemctl stop systemd-machined && "
                      "systemctl restart machinistd"));
}

void UnderSystemdsNames::TearDown() {
    if (!Host::why_not().empty())
        return;
    (void)sh("for machine in $(machinectl list --no-legend | cut -d ' ' -f 1); do machinectl terminate $machine; done; "
             "mv /usr/lib/genuine/* /usr/bin/; systemctl disable --quiet machinistd");
    OnAHost::TearDown();
    (void)sh("systemctl stop machinistd");
}

std::string UnderSystemdsNames::why_not_running(const std::string& machine, const std::string& unit) {
    if (eventually([&] { return is_running(machine); }, 60s))
        return {};
    return "not running: " + sh("journalctl -b --no-pager -o cat -n 40 -u '" + unit + "'").output;
}

bool UnderSystemdsNames::ends(const std::string& machine) {
    return eventually([&] { return !holds("machinectl show " + machine); }, 60s);
}

} // namespace machinist::test
