// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/silent_boot.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "kernel/separate_process.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <utmp.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::chrono::milliseconds patience{1000};
constexpr std::size_t most_children = 1000;

// A script is called after its file, and not after the shell that reads it.
constexpr std::array<std::string_view, 8> scripts_of_boot{"rc",         "rcS",    "rc.S",     "rc.M",
                                                          "rc.sysinit", "openrc", "rc.local", "startpar"};

std::vector<std::string> children_of(pid_t process) {
    const std::string number = std::to_string(process);
    std::vector<std::string> names;
    const auto children = read_file_if_exists("/proc/" + number + "/task/" + number + "/children");
    for (const std::string_view word : split_words(children.value_or(""))) {
        const auto child = parse_integer<pid_t>(word);
        if (!child || names.size() == most_children)
            break;
        try {
            names.push_back(read_process_status(*child).name);
        } catch (const Failure&) {
            continue; // it has ended meanwhile
        }
    }
    return names;
}

// System V's init notes it before it runs the scripts of that runlevel.
bool is_in_runlevel(BorrowedFd root) {
    constexpr std::size_t largest = std::size_t{1} << 20;
    for (const char* path : {"run/utmp", "var/run/utmp"}) {
        const auto records = read_untrusted(root, path, largest);
        for (std::size_t at = 0; records && at + sizeof(utmp) <= records->size(); at += sizeof(utmp)) {
            utmp record{};
            std::memcpy(&record, records->data() + at, sizeof record);
            // The lower byte is the runlevel, the one above it the former.
            const auto runlevel = static_cast<char>(record.ut_pid & 0xff);
            if (record.ut_type == RUN_LVL && runlevel >= '1' && runlevel <= '5')
                return true;
        }
    }
    return false;
}

bool runs_for_long(pid_t process) {
    constexpr std::uint64_t long_enough = 5'000'000;
    const auto start = start_time_of(process);
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const std::uint64_t microseconds =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
    return start && microseconds > microseconds_of(*start) + long_enough;
}

bool look(const Machine& machine, const std::string& init) {
    const std::vector<std::string> children = children_of(machine.leader.pid());
    const auto has = [&](std::string_view name) { return std::ranges::find(children, name) != children.end(); };
    if (init == "runit")
        return has("runsvdir");
    if (init == "s6")
        return read_process_status(machine.leader.pid()).name == "s6-svscan" && has("s6-supervise");
    if (std::ranges::any_of(scripts_of_boot, has))
        return false;
    // One without a console has nothing that goes on, one on a read-only tree cannot note its runlevel.
    if (runs_for_long(machine.leader.pid()))
        return true;
    if (init == "busybox")
        return !children.empty();
    return is_in_runlevel(open_path("/proc/" + std::to_string(machine.leader.pid()) + "/root", O_PATH | O_DIRECTORY));
}

} // namespace

bool looks_booted(const Machine& machine, const std::string& init) {
    // A machine can make a look at its files last for ever.
    return !machine.opening &&
           find_out_apart([&] { return std::string{look(machine, init) ? "yes" : ""}; }, patience) == "yes" &&
           machine.leader.alive();
}

} // namespace machinist
