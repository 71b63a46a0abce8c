// SPDX-License-Identifier: LGPL-2.1-or-later
// What the stages of a start share: the decided spec, and all that was made for the machine so far.
#pragma once

#include "base/unique_fd.hpp"
#include "image/disk_keys.hpp"
#include "image/image_lock.hpp"
#include "image/layer.hpp"
#include "image/root_mount.hpp"
#include "kernel/pidfd.hpp"
#include "kernel/process.hpp"
#include "network/gateway_client.hpp"
#include "spec/machine_spec.hpp"
#include "spec/mount_plan.hpp"
#include "supervisor/apply_mounts.hpp"
#include "supervisor/machine_cgroup.hpp"
#include "supervisor/payload_console.hpp"
#include "supervisor/run_directory_owner.hpp"

#include <linux/filter.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

// Where our other programs are.
struct Programs {
    Path launcher;
    Path supervisor;
    Path unit;    // asks systemd
    Path network; // undoes what was done for links
    Path gateway; // sees to addresses, names and ports
};

// On the launcher's side.
struct Start {
    MachineSpec spec;
    Programs programs;
    bool first_start = true; // false: the machine reboots in place

    // In the order in which they come to be; what they own goes in the reverse order.
    RunDirectory run;
    // Of an instance with a layer: its whole root, detached. A machine that reboots meets what it wrote.
    UniqueFd kept_root;
    DiskKeys disk_keys;
    std::vector<UniqueFd> kept; // locks and layers, handed on when the machine starts again
    std::vector<std::filesystem::path> lock_files;
    LayerPlan layer;
    std::vector<sock_filter> syscall_filter;
    std::vector<sock_filter> syscall_rules; // the second one; empty: there is none
    MountPlan mounts;
    MachineCgroup cgroup;
    UnitPlace place = UnitPlace::own_group;
    std::unique_ptr<RunningProgram> unit_request; // at work on scope and listing
    std::optional<GatewayClient> gateway;         // that addresses were reserved at
    std::string unit;                             // of systemd's that the machine is in; "" for none
    bool is_listed = false;                       // by org.freedesktop.machine1, which writes the state file then
    UniqueFd working_directory;                   // of the caller, to come back to
    UniqueFd host_mounts;                         // mount namespace
    UniqueFd staging;                             // directory that the root is attached in
    Pidfd leader;                                 // process 1 of the machine
    UniqueFd machine_network;    // held, so that links of the host's in it are there at the machine's end
    std::vector<int> host_links; // on the host that the machine is known by
    Pidfd journal_receiver;      // our child, which ends with us
    UniqueFd handshake;
    UniqueFd user_namespace;
    RootMount root;
    HostSideMounts host_side;
    PayloadConsole console;
    std::vector<std::string> warnings; // what the machine starts without
    int listen_fds = 0;                // handed to us by socket activation, from descriptor 3
};

// On the payload's side, a copy of the launcher.
struct Payload {
    const MachineSpec& spec;
    const MountPlan& mounts;
    const std::vector<sock_filter>& syscall_filter;
    const std::vector<sock_filter>& syscall_rules;
    UniqueFd handshake;
    int listen_fds = 0;
    UniqueFd root; // of the machine's tree, in our own mount namespace
    std::array<UniqueFd, 3> streams;
    std::vector<UniqueFd> prepared; // mounts that only we can attach
};

} // namespace machinist
