// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/time_namespace.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <utility>

namespace machinist {

namespace {

std::string line(const char* clock, const ClockShift& shift) {
    return std::string{clock} + " " + std::to_string(shift.seconds) + " " + std::to_string(shift.nanoseconds) + "\n";
}

void go_back(BorrowedFd former) {
    if (::setns(former.get(), CLONE_NEWTIME) < 0)
        std::terminate(); // what is started or executed from here on would have clocks that are not the host's
}

} // namespace

ClocksOfChildren::ClocksOfChildren(const ClockShift& monotonic, const ClockShift& boot_time) {
    const char* without = "leaving the namespace \"time\" out";
    auto former = open_path_if_exists("/proc/self/ns/time_for_children", O_RDONLY);
    if (!former)
        throw Failure{FailureKind::not_supported, "make a time namespace: the kernel knows none"}.try_instead(without);
    if (::unshare(CLONE_NEWTIME) < 0)
        throw system_failure("make a time namespace").try_instead(without);
    try {
        write_existing(open_path("/proc/self", O_PATH | O_DIRECTORY), "timens_offsets",
                       line("monotonic", monotonic) + line("boottime", boot_time));
    } catch (const Failure& refused) {
        go_back(*former);
        Failure failure = system_failure("set the clocks of a time namespace", refused.error_number());
        if (failure.error_number() == ERANGE)
            failure.try_instead("offsets with which no clock is before its beginning");
        throw failure;
    }
    former_ = std::move(*former);
}

ClocksOfChildren::~ClocksOfChildren() {
    go_back(former_);
}

} // namespace machinist
