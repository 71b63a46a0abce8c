// SPDX-License-Identifier: LGPL-2.1-or-later
// The ordered mounts of a machine, as data: what, where, in which order and why.
#pragma once

#include "spec/machine_spec.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace machinist {

// Whose users and namespaces a step needs.
enum class MountSide {
    host,    // before the machine's user namespace: what is mounted here is locked for the payload
    payload, // in the machine's own namespaces: /proc, cgroups, message queues show what is theirs
};

using SuperblockOptions = std::vector<std::pair<std::string, std::string>>;

struct NewFilesystem {
    std::string type;
    SuperblockOptions options;
};
struct DeviceDirectory {};  // the tmpfs on /dev with its nodes and links
struct HostInterface {};    // the tmpfs on /run/host (Container Interface C)
struct Credentials {};      // the ramfs on /run/host/credentials
struct JournalDirectory {}; // a small tmpfs in which the host receives its journal
struct UnixExport {};       // a small tmpfs whose directory the host sees, too
struct Sysfs {};            // of the machine's network namespace
struct HostPath {};         // the same path of the host
struct OwnGroupOnly {};     // of the hierarchy that is mounted there, only the machine's own group can be written to
struct BindOnItself {};     // so that the part can have attributes of its own
struct Mask {};             // over-mounted by an unreadable node of the same kind
struct BootId {};           // a fresh id for this boot
struct KernelLog {};        // a fifo that never has anything
struct KernelSettings {     // nothing is mounted: "NAME=VALUE" is written below what is mounted there
    std::vector<std::string> values;
};
struct Extra {
    ExtraMount mount;
};

using MountAction =
    std::variant<NewFilesystem, DeviceDirectory, HostInterface, JournalDirectory, UnixExport, Credentials, Sysfs,
                 HostPath, OwnGroupOnly, BindOnItself, Mask, BootId, KernelLog, KernelSettings, Extra>;

enum class WhenMissing { make_directory, skip, fail };

struct MountStep {
    Path target; // absolute, in the machine
    MountAction action;
    std::uint64_t attributes = 0; // MOUNT_ATTR_*
    MountSide side = MountSide::host;
    WhenMissing when_missing = WhenMissing::make_directory;
    bool may_fail = false;
    const char* why = "";
};

using MountPlan = std::vector<MountStep>;

// Such a mount is what the machine has for its root, above its image.
inline bool is_on_the_root(const ExtraMount& mount) {
    return mount.destination == "/";
}

// Pure: the root itself is not in it, it is described by the spec's root and users, and by what is mounted on it.
MountPlan plan_mounts(const MachineSpec& spec);

// What the machine's filesystems in memory have beside: the label that was asked for.
SuperblockOptions with_api_label(SuperblockOptions options, const MachineSpec& spec);

// "tmpfs on /run mode=0755 nosuid,nodev (why)": one line for people.
std::string describe(const MountStep& step);
std::string describe_action(const MountStep& step);
std::string describe_attributes(const MountStep& step);

} // namespace machinist
