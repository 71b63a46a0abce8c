// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/registrar.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "spec/machine_record.hpp"
#include "spec/run_directory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace machinist {

namespace {

std::string state_file(const MachineName& name) {
    return std::string{run_directory::state_files} + "/" + name.text();
}

std::uint64_t microseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

bool lives(const MachineRecord& record) {
    const auto leader = Pidfd::open(record.leader);
    return leader && leader->alive() &&
           (record.leader_pidfd_id == 0 || leader->inode() == 0 || leader->inode() == record.leader_pidfd_id);
}

// 0: the kernel has none.
std::uint64_t own_pidfd_inode() {
    const auto self = Pidfd::open(::getpid());
    return self ? self->inode() : 0;
}

MachineRecord record_of(const Start& start) {
    MachineRecord record;
    record.name = start.spec.name;
    record.scope = start.unit;
    record.service = start.spec.service;
    record.root = start.spec.root.directory.string();
    record.id = start.spec.id;
    record.leader = start.leader.pid();
    record.leader_pidfd_id = start.leader.inode();
    record.supervisor = ::getpid();
    record.supervisor_pidfd_id = own_pidfd_inode();
    record.realtime = microseconds(CLOCK_REALTIME);
    record.monotonic = microseconds(CLOCK_MONOTONIC);
    record.network_interfaces = start.host_links;
    record.run_directory = start.run.path().string();
    if (start.spec.users.owner)
        record.uid = start.spec.users.owner->uid;
    return record;
}

void write_state_file(const Start& start) {
    make_directories(run_directory::state_files, 0755);
    write_atomically(state_file(start.spec.name), write_machine_record(record_of(start)), 0644);
}

void make_link(Start& start, const std::string& link, const std::string& target) {
    start.run.will_undo("unlink " + link);
    (void)::unlink(link.c_str());
    if (::symlink(target.c_str(), link.c_str()) < 0)
        throw system_failure("make link '" + link + "'");
}

// For sd_pid_get_machine_name(3), which knows a process' unit and wants its machine.
void link_unit(Start& start) {
    const std::string link = std::string{run_directory::state_files} + "/unit:" + start.unit;
    make_link(start, link, start.spec.name.text());
}

// Where systemd-nspawn shows a machine's sockets: before and since release 261 of systemd.
void link_exported_sockets(Start& start) {
    const std::string sockets = (start.run.path() / "unix-export").string();
    const std::string all = "/run/systemd/nspawn";
    const std::string own = all + "/" + start.spec.name.text();
    try {
        make_directories(all + "/unix-export", 0755);
        make_link(start, all + "/unix-export/" + start.spec.name.text(), sockets);
        start.run.will_undo("rmdir " + own);
        make_directories(own, 0755);
        make_link(start, own + "/unix-export", sockets);
    } catch (const Failure& failure) {
        start.warnings.push_back(std::string{"its sockets in /run/systemd/nspawn: "} + failure.what());
    }
}

} // namespace

void refuse_name_of_other_manager(const MachineName& name) {
    const auto file = open_path_if_exists(state_file(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file)
        return;
    const auto record = parse_machine_record(read_all(*file, machine_record_limit));
    // Ours is guarded by its run directory, which knows better.
    if (record && record->run_directory.empty() && lives(*record))
        throw Failure{FailureKind::already_exists, "machine '" + name.text() + "' already exists"}.try_instead(
            "another --machine=NAME");
}

void register_machine(Start& start) {
    const pid_t leader = start.leader.pid();
    // We are still in the private mount namespace, which has the host's /proc and /run. The time is for kernels whose
    // pidfds have no inode of their own.
    start.run.write("leader", std::to_string(leader) + " " + std::to_string(start.leader.inode()) + " " +
                                  std::to_string(start_time_of(leader).value_or(0)) + " " + std::to_string(::getpid()) +
                                  " " + std::to_string(own_pidfd_inode()) + "\n");
    if (start.host_side.unix_export)
        start.run.link("unix-export", "/proc/" + std::to_string(::getpid()) + "/fd/" +
                                          std::to_string(start.host_side.unix_export.get()));
    if (start.host_side.unix_export && start.spec.registered)
        link_exported_sockets(start);
    // Else the file is another's to write.
    if (!start.spec.registered || start.is_listed)
        return;
    start.run.will_undo("unlink " + state_file(start.spec.name));
    try {
        write_state_file(start);
        if (!start.unit.empty())
            link_unit(start);
    } catch (const Failure&) {
        if (!start.spec.registration_may_fail)
            throw;
    }
}

} // namespace machinist
