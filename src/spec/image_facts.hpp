// SPDX-License-Identifier: LGPL-2.1-or-later
// What was seen of an image and of the host before anything was decided. Plain data.
#pragma once

#include "base/machine_id.hpp"
#include "spec/cdi_edits.hpp"
#include "spec/disk_spec.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

enum class MachineIdState { missing, unset, valid, unreadable }; // unset: empty or "uninitialized"

// What kind of init the image has; none if it holds nothing that would be found by --boot.
struct InitFacts {
    std::string path; // in the image; empty if none
    std::string kind; // systemd, sysvinit, openrc, runit, s6, busybox, unknown
    std::optional<unsigned> systemd_version = {};
};

// Older ones need control groups of version 1, which machines do not have.
inline constexpr unsigned first_systemd_with_cgroup2 = 233;

// Older ones know no credential that says where the journal goes.
inline constexpr unsigned first_systemd_with_forwarding = 256;

// A user of the host, where one is wanted in the machine.
struct HostUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string group; // name of gid
    std::string real_name;
    std::filesystem::path home;
    std::string shell;
    std::string password; // hashed; empty: none
    std::vector<std::string> ssh_keys;
};

struct ImageFacts {
    std::filesystem::path directory; // or the disk image
    std::optional<DiskSpec> disk;    // what of a disk image is mounted; the other facts are those of its tree
    bool exists = false;
    bool is_host_root = false; // "/" of the host itself
    bool has_usr = false;
    bool read_only = false; // read-only filesystem, subvolume or immutable directory
    bool is_btrfs_subvolume = false;
    std::uint32_t owner_uid = 0;
    std::uint32_t owner_gid = 0;
    std::map<std::string, std::string> os_release; // empty if the image has none
    MachineIdState machine_id_state = MachineIdState::missing;
    std::optional<MachineId> machine_id;
    InitFacts init;
    bool has_zoneinfo_of_host = false; // usr/share/zoneinfo/<host's zone> exists in the image
    std::string architecture;          // of the init or shell binary: "x86-64", "x86", "arm64", ...; "" unknown
    std::string users, groups;         // its /etc/passwd and /etc/group, where they are wanted
    std::vector<std::string> oddities; // what of the above could not be read as it should be, a sentence each
};

struct HostFacts {
    std::uint32_t caller_uid = 0;
    std::filesystem::path working_directory;
    std::string hostname;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> os_release;
    std::optional<MachineId> machine_id;
    bool stdin_is_terminal = false;
    bool stdout_is_terminal = false;
    std::uint64_t bounding_capabilities = ~std::uint64_t{0};
    std::uint64_t nr_open = 1048576; // fs.nr_open
    std::uint64_t pid1_nproc_soft = 0, pid1_nproc_hard = 0;
    std::uint64_t pid1_sigpending_soft = 0, pid1_sigpending_hard = 0;
    int cpu_count = 1;
    bool has_selinux = false;              // a policy of it may be loaded
    std::map<std::string, HostUser> users; // those that were asked for and are there
    std::uint32_t group_of_owner = 0;      // primary one of whom the machine is started for
    bool resolved_stub = false;            // systemd-resolved answers on its stub listener
    bool has_resolv_conf = false;
    bool localtime_is_symlink = false;
    std::string timezone_name; // "Europe/Berlin" if localtime is a link into zoneinfo
    bool has_localtime = false;
    CdiEdits cdi;                              // of the names that were asked for
    bool journal_directory_of_machine = false; // /var/log/journal/<machine's id> exists
};

} // namespace machinist
