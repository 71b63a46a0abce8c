// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_root.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "registry/machine_control.hpp"

#include <chrono>
#include <fcntl.h>
#include <thread>

namespace machinist {

namespace {

void write_freezer(const std::filesystem::path& freezer, const char* value) {
    const UniqueFd file = open_path(freezer, O_WRONLY);
    write_all(file, value);
}

bool is_frozen(const std::filesystem::path& group) {
    return read_file(group / "cgroup.events").find("frozen 1") != std::string::npos;
}

} // namespace

UniqueFd open_machine_root(const Machine& machine) {
    UniqueFd root = open_path("/proc/" + std::to_string(machine.leader.pid()) + "/root", O_PATH | O_DIRECTORY);
    // The number was still the leader's if it lives now.
    if (!machine.leader.alive())
        throw Failure{FailureKind::not_found, "machine '" + machine.name() + "' has ended"};
    return open_path(path_of_descriptor(root), O_RDONLY | O_DIRECTORY);
}

StandingStill::StandingStill(const Machine& machine) {
    const auto group = payload_cgroup(machine);
    if (!group || !open_path_if_exists(*group / "cgroup.freeze", O_PATH))
        throw Failure{FailureKind::not_supported,
                      "stop machine '" + machine.name() + "' for a moment: its cgroup cannot be frozen"};
    freezer_ = *group / "cgroup.freeze";
    write_freezer(freezer_, "1");
    constexpr auto step = std::chrono::milliseconds{2};
    for (int attempt = 0; attempt < 2500 && !is_frozen(*group); ++attempt)
        std::this_thread::sleep_for(step);
    if (!is_frozen(*group)) {
        write_freezer(freezer_, "0");
        throw Failure{FailureKind::timed_out, "stop machine '" + machine.name() + "' for a moment: it goes on"};
    }
}

StandingStill::~StandingStill() {
    try {
        write_freezer(freezer_, "0");
    } catch (const Failure&) {
        // It has ended meanwhile.
    }
}

} // namespace machinist
