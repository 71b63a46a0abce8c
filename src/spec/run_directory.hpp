// SPDX-License-Identifier: LGPL-2.1-or-later
// The files that stand for one running machine, and what each holds. Paths only; whoever acts opens them.
//
// RUN_ROOT/KEY/            0700, one machine; KEY is its name, or NAME@PID for a machine that is not listed
//   lock                   flock(2)ed exclusively by the supervisor for as long as the machine lives:
//                          a directory whose lock is free is a remnant, and `gc` undoes it
//   spec.json              0600, the MachineSpec as it was started (ids and ranges decided), with the devices that it
//                          has now; replaced under a lock of the directory itself
//   owner                  "UID\n", of a machine that was started for a user without rights over machines
//   leader                 "PID PIDFD-INODE START-TIME KEEPER KEEPER-PIDFD-INODE\n", written when process 1 exists; the
//   keeper
//                          becomes the supervisor
//   undo                   what to undo, one line each, last line first (below)
//   network                what was done to the host's network for the machine's links (network/link_record.hpp)
//   notify                 what process 1 told by sd_notify, latest value of each field, "KEY=VALUE\n", control
//                          characters replaced; absent until the first message; READY=1 stays once seen
//   exit                   "STATUS\n" written by the supervisor just before the directory goes
//   ports                  which ports of the host lead to it, one a line, since some were added or removed
//   unix-export            symlink to /proc/SUPERVISOR/fd/N: the machine's /run/host/unix-export
//
// Lines of undo:
//   cgroup PATH            kill everything in it (cgroup.kill), remove it and its sub-groups
//   unlink PATH            missing is success
//   rmdir PATH             only if empty; else left
//   tree PATH              rename aside, then remove it with all below
//   subvolume PATH         a btrfs subvolume
//   network PATH           PATH is machinist-network: undoes what the file "network" here tells
//   unlist PATH NAME       PATH is machinist-unit: has org.freedesktop.machine1 forget the machine
//   lock PATH              a lock file, unless somebody else holds it
#pragma once

#include <string>
#include <string_view>

namespace machinist::run_directory {

inline constexpr std::string_view root = "/run/machinist/machines";
inline constexpr std::string_view state_files = "/run/systemd/machines";

inline std::string path(std::string_view key) {
    return std::string{root} + "/" + std::string{key};
}

} // namespace machinist::run_directory
