// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts the daemon together and lets it run.
#pragma once

#include "spec/plain_user_options.hpp"

#include <chrono>
#include <filesystem>

namespace machinist {

struct DaemonOptions {
    std::filesystem::path state_directory{"/run/systemd/machines"};
    // As long as another service has the name of systemd-machined, and with it the directory above.
    std::filesystem::path own_state_directory{"/run/machinist/registered"};
    std::filesystem::path quarantine{"/run/machinist/quarantine"};
    std::filesystem::path run_directories{"/run/machinist/machines"};
    std::filesystem::path jobs{"/run/machinist/jobs"};
    unsigned machines_per_user = machines_of_plain_user; // who have no rights over machines
    std::chrono::seconds idle{60};                       // without machines and calls, it ends; 0: never
};

// Until it is told to end or nobody needs it. Returns the exit status; throws Failure if it cannot start.
int run_daemon(const DaemonOptions& options);

} // namespace machinist
