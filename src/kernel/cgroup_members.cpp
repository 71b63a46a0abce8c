// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/cgroup_members.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <set>
#include <thread>

namespace machinist {

namespace {

// A payload makes groups as deep as the kernel lets it; nobody looks at more.
constexpr int deepest = 64;
constexpr int most_passes = 16;

std::optional<std::string> read_attribute(const std::filesystem::path& group, const char* name) {
    try {
        return read_file_if_exists(group / name);
    } catch (const Failure& failure) {
        // ENODEV: the group was removed between open and read. EOPNOTSUPP: a threaded group.
        if (failure.error_number() != ENODEV && failure.error_number() != EOPNOTSUPP)
            throw;
        return std::nullopt;
    }
}

void add_processes(const std::filesystem::path& group, int depth, std::vector<CgroupProcesses>& found) {
    const auto text = read_attribute(group, "cgroup.procs");
    if (!text)
        return;
    CgroupProcesses members{.group = group, .processes = {}};
    for (const std::string_view word : split_words(*text))
        if (const auto pid = parse_integer<pid_t>(word); pid && *pid > 0)
            members.processes.push_back(*pid);
    std::ranges::sort(members.processes);
    found.push_back(std::move(members));
    if (depth == deepest)
        return;
    std::set<std::filesystem::path> below;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(group, ignored))
        if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
            below.insert(entry.path());
    for (const std::filesystem::path& child : below)
        add_processes(child, depth + 1, found);
}

} // namespace

bool cgroup_is_empty(const std::filesystem::path& group) {
    const auto events = read_attribute(group, "cgroup.events");
    return !events || events->find("populated 0") != std::string::npos;
}

std::vector<CgroupProcesses> processes_below(const std::filesystem::path& group) {
    std::vector<CgroupProcesses> found;
    add_processes(group, 0, found);
    return found;
}

void freeze_cgroup(const std::filesystem::path& group) {
    const auto file = open_path_if_exists(group / "cgroup.freeze", O_WRONLY);
    if (!file)
        throw Failure{FailureKind::not_supported, "freeze the cgroup: this one cannot be frozen"};
    write_all(*file, "1");
    constexpr auto step = std::chrono::milliseconds{2};
    constexpr int most_steps = 2500;
    for (int turn = 0; read_file(group / "cgroup.events").find("frozen 1") == std::string::npos; ++turn) {
        if (turn == most_steps) {
            thaw_cgroup(group);
            throw Failure{FailureKind::timed_out, "freeze the cgroup: its processes go on"};
        }
        std::this_thread::sleep_for(step);
    }
}

void thaw_cgroup(const std::filesystem::path& group) {
    if (const auto file = open_path_if_exists(group / "cgroup.freeze", O_WRONLY))
        write_all(*file, "0");
}

bool is_cgroup_frozen(const std::filesystem::path& group) {
    const auto text = read_attribute(group, "cgroup.freeze");
    return text && text->starts_with('1');
}

std::size_t signal_cgroup(const std::filesystem::path& group, int signal) {
    std::set<pid_t> signalled;
    bool more = true;
    // One that starts processes for ever is not followed for ever.
    for (int pass = 0; more && pass < most_passes; ++pass) {
        more = false;
        for (const CgroupProcesses& members : processes_below(group))
            for (const pid_t pid : members.processes) {
                if (!signalled.insert(pid).second)
                    continue;
                const auto process = Pidfd::open(pid);
                more = (process && process->send_signal(signal)) || more;
            }
    }
    return signalled.size();
}

void kill_cgroup(const std::filesystem::path& group) {
    const auto file = open_path_if_exists(group / "cgroup.kill", O_WRONLY);
    if (!file) {
        // Linux before 5.14.
        signal_cgroup(group, SIGKILL);
        return;
    }
    try {
        write_all(*file, "1");
    } catch (const Failure& failure) {
        if (failure.error_number() != ENODEV)
            throw;
    }
}

} // namespace machinist
