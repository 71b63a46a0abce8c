// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/recorded_leader.hpp"

#include "base/text.hpp"
#include "kernel/process_status.hpp"

#include <ctime>

namespace machinist {

namespace {

constexpr std::uint64_t slack = 1'000'000; // microseconds between the start of a process and its clocks

std::uint64_t microseconds_on(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

// The monotonic clock stands still while the host sleeps, so what it showed at registration is now at least this much
// behind the clock of start times; sleeping since then only makes the answer milder.
bool began_after(std::uint64_t start_time, std::uint64_t monotonic) {
    const std::uint64_t slept = microseconds_on(CLOCK_BOOTTIME) - microseconds_on(CLOCK_MONOTONIC);
    return microseconds_of(start_time) > monotonic + slept + slack;
}

} // namespace

std::optional<RecordedLeader> parse_recorded_leader(std::string_view text) {
    const auto words = split_words(text);
    if ((words.size() != 3 && words.size() != 5) || !text.ends_with('\n'))
        return std::nullopt;
    const auto pid = parse_integer<pid_t>(words[0]);
    const auto inode = parse_integer<std::uint64_t>(words[1]);
    const auto start_time = parse_integer<std::uint64_t>(words[2]);
    const auto keeper = words.size() == 5 ? parse_integer<pid_t>(words[3]) : pid_t{0};
    const auto keeper_inode = words.size() == 5 ? parse_integer<std::uint64_t>(words[4]) : std::uint64_t{0};
    if (!pid || *pid <= 0 || !inode || !start_time || !keeper || *keeper < 0 || !keeper_inode)
        return std::nullopt;
    return RecordedLeader{.pid = *pid,
                          .pidfd_inode = *inode,
                          .start_time = *start_time,
                          .keeper = *keeper,
                          .keeper_pidfd_inode = *keeper_inode};
}

std::optional<Pidfd> hold_leader(const RecordedLeader& leader) {
    auto process = Pidfd::open(leader.pid);
    if (!process || !process->alive())
        return std::nullopt;
    const std::uint64_t inode = process->inode();
    const bool same = inode != 0 && leader.pidfd_inode != 0 ? inode == leader.pidfd_inode
                                                            : start_time_of(leader.pid) == leader.start_time;
    if (!same)
        return std::nullopt;
    return process;
}

std::optional<Pidfd> hold_leader(const MachineRecord& record) {
    auto process = Pidfd::open(record.leader);
    if (!process || !process->alive())
        return std::nullopt;
    const std::uint64_t inode = process->inode();
    if (inode != 0 && record.leader_pidfd_id != 0) {
        if (inode != record.leader_pidfd_id)
            return std::nullopt;
        return process;
    }
    const auto start_time = start_time_of(record.leader);
    if (!start_time || (record.monotonic != 0 && began_after(*start_time, record.monotonic)))
        return std::nullopt;
    return process;
}

} // namespace machinist
