// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/fault.hpp"

#include "base/failure.hpp"
#include "machinist_config.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace machinist {

void fail_here_if_asked(std::string_view side, std::string_view stage) {
#if MACHINIST_FAULT_HOOKS
    const char* wanted = std::getenv("FAULT_AT");
    if (!wanted)
        return;
    const std::string_view request = wanted;
    const std::string here = std::string{side} + " " + std::string{stage} + ":";
    if (!request.starts_with(here))
        return;
    const std::string_view what = request.substr(here.size());
    if (what == "kill")
        ::kill(::getpid(), SIGKILL);
    if (what == "exit")
        ::_exit(3);
    const int error_number = what == "enospc" ? ENOSPC : what == "eperm" ? EPERM : what == "enomem" ? ENOMEM : EIO;
    throw system_failure("fail as the test asked", error_number);
#else
    (void)side;
    (void)stage;
#endif
}

} // namespace machinist
