// SPDX-License-Identifier: LGPL-2.1-or-later
// machinistd: knows which machines exist and tells others over D-Bus.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "daemon/composition.hpp"
#include "machinist_config.h"

#include <cstdio>
#include <getopt.h>
#include <string>
#include <sys/resource.h>

namespace {

constexpr const char* usage =
    "usage: machinistd [--state-directory=DIR] [--own-state-directory=DIR] [--quarantine=DIR]\n"
    "                  [--run-directories=DIR] [--jobs=DIR] [--idle-exit=SECONDS]\n"
    "                  [--machines-per-user=N]\n";

// One descriptor a machine, and the default limit is 1024 for the sake of programs that use select(2).
void allow_all_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace

int main(int count, char** arguments) {
    using namespace machinist;
    constexpr option long_options[] = {{"state-directory", required_argument, nullptr, 's'},
                                       {"own-state-directory", required_argument, nullptr, 'o'},
                                       {"quarantine", required_argument, nullptr, 'q'},
                                       {"run-directories", required_argument, nullptr, 'r'},
                                       {"jobs", required_argument, nullptr, 'j'},
                                       {"idle-exit", required_argument, nullptr, 'i'},
                                       {"machines-per-user", required_argument, nullptr, 'm'},
                                       {"version", no_argument, nullptr, 'v'},
                                       {"help", no_argument, nullptr, 'h'},
                                       {}};
    DaemonOptions options;
    for (int letter = 0; (letter = ::getopt_long(count, arguments, "", long_options, nullptr)) >= 0;) {
        const auto number = letter == 'i' || letter == 'm' ? parse_integer<unsigned>(optarg) : std::nullopt;
        switch (letter) {
        case 's': options.state_directory = optarg; break;
        case 'o': options.own_state_directory = optarg; break;
        case 'q': options.quarantine = optarg; break;
        case 'r': options.run_directories = optarg; break;
        case 'j': options.jobs = optarg; break;
        case 'v': std::puts("machinistd " MACHINIST_VERSION); return 0;
        case 'h': std::fputs(usage, stdout); return 0;
        case 'i':
        case 'm':
            if (number && letter == 'i')
                options.idle = std::chrono::seconds{*number};
            else if (number)
                options.machines_per_user = *number;
            if (number)
                break;
            [[fallthrough]];
        default: std::fputs(usage, stderr); return 2;
        }
    }
    allow_all_descriptors();
    try {
        return run_daemon(options);
    } catch (const std::exception& failure) {
        log_error(failure.what());
        return 1;
    }
}
