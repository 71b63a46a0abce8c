// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/process_status.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist {

namespace {

// A process that ends while it is read gives ESRCH.
std::optional<std::string> read_of(pid_t pid, const char* name) {
    try {
        return read_file_if_exists("/proc/" + std::to_string(pid) + "/" + name);
    } catch (const Failure& failure) {
        if (failure.error_number() != ESRCH)
            throw;
        return std::nullopt;
    }
}

std::string_view field(std::string_view text, std::string_view name) {
    // The name of the process comes first in the file and cannot hold a line break: the kernel escapes it.
    const std::string wanted = "\n" + std::string{name} + ":";
    const std::size_t at = text.find(wanted);
    if (at == std::string_view::npos)
        return {};
    const std::size_t start = at + wanted.size();
    return trimmed(text.substr(start, text.find('\n', start) - start));
}

// By its number in proc_pid_stat(5). The second is the name in parentheses, which may hold anything.
std::optional<std::uint64_t> field_of_stat(pid_t pid, std::size_t number) {
    const auto text = read_of(pid, "stat");
    const std::size_t behind_name = text ? text->rfind(')') : std::string::npos;
    if (behind_name == std::string::npos)
        return std::nullopt;
    const auto fields = split_words(std::string_view{*text}.substr(behind_name + 1));
    return fields.size() > number - 3 ? parse_integer<std::uint64_t>(fields[number - 3]) : std::nullopt;
}

} // namespace

ProcessStatus read_process_status(pid_t pid) {
    const auto text = read_of(pid, "status");
    if (!text)
        throw Failure{FailureKind::not_found, "look at process " + std::to_string(pid) + ": there is none"};
    ProcessStatus status;
    status.name = field("\n" + *text, "Name");
    status.bounding_capabilities = parse_integer<std::uint64_t>(field(*text, "CapBnd"), 16).value_or(0);
    status.no_new_privileges = field(*text, "NoNewPrivs") == "1";
    status.has_syscall_filter = field(*text, "Seccomp") == "2";
    status.awaited_signals = parse_integer<std::uint64_t>(field(*text, "SigCgt"), 16).value_or(0) |
                             parse_integer<std::uint64_t>(field(*text, "SigBlk"), 16).value_or(0);
    return status;
}

bool waits_for_signals(pid_t pid) {
    // Of the native ABI; of 32-bit x86; of all 32-bit ABIs with 64-bit times.
    constexpr std::array calls{static_cast<int>(SYS_rt_sigtimedwait), 177, 421};
    const auto text = read_of(pid, "syscall");
    const auto call = text ? parse_integer<int>(text->substr(0, text->find(' '))) : std::nullopt;
    return call && std::ranges::find(calls, *call) != calls.end();
}

std::optional<std::uint64_t> start_time_of(pid_t pid) {
    return field_of_stat(pid, 22);
}

bool has_not_executed(pid_t pid) {
    constexpr std::uint64_t forked_but_not_executed = 0x40; // PF_FORKNOEXEC of the kernel's include/linux/sched.h
    return (field_of_stat(pid, 9).value_or(0) & forked_but_not_executed) != 0;
}

std::uint64_t microseconds_of(std::uint64_t start_time) {
    static const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return start_time / ticks * 1'000'000 + start_time % ticks * 1'000'000 / ticks;
}

} // namespace machinist
