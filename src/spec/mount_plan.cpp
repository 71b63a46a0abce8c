// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/mount_plan.hpp"

#include <algorithm>
#include <linux/mount.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace machinist {

namespace {

constexpr std::uint64_t inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t api = inert | MOUNT_ATTR_NOEXEC;
constexpr std::uint64_t read_only = MOUNT_ATTR_RDONLY;
constexpr std::uint64_t exact_times = MOUNT_ATTR_STRICTATIME;

// The group "tty" has this id in every distribution that devpts must work for (Container Interface A11).
constexpr std::uint32_t tty_group = 5;

MountStep new_filesystem(Path target, std::string type, SuperblockOptions options, std::uint64_t attributes,
                         MountSide side, const char* why) {
    return {.target = std::move(target),
            .action = NewFilesystem{std::move(type), std::move(options)},
            .attributes = attributes,
            .side = side,
            .why = why};
}

MountStep tmpfs(const MachineSpec& spec, Path target, SuperblockOptions options, std::uint64_t attributes,
                const char* why) {
    if (spec.users.kind != UserNamespaceKind::none) {
        options.emplace_back("uid", std::to_string(spec.users.base));
        options.emplace_back("gid", std::to_string(spec.users.base));
    }
    return new_filesystem(std::move(target), "tmpfs", std::move(options), attributes, MountSide::host, why);
}

void add_temporary_directories(MountPlan& plan, const MachineSpec& spec) {
    // On the payload's side: init unmounts it at the end, which the kernel refuses for what the host has mounted.
    if (spec.tmpfs_on_tmp)
        plan.push_back(new_filesystem("/tmp", "tmpfs", {{"mode", "01777"}, {"size", "10%"}, {"nr_inodes", "400k"}},
                                      inert | exact_times, MountSide::payload, "temporary files end with the machine"));
}

void add_sysfs(MountPlan& plan, const MachineSpec& spec) {
    const bool writable = spec.api_writable == ApiWritable::yes;
    plan.push_back({.target = "/sys",
                    .action = Sysfs{},
                    .attributes = api | (writable ? 0 : read_only),
                    .why = "read-only is how udev and systemd tell that the devices are not theirs"});
    plan.push_back({.target = "/sys/fs/selinux",
                    .action = HostPath{},
                    .attributes = api | read_only,
                    .when_missing = WhenMissing::skip,
                    .may_fail = true,
                    .why = "programs must see that a policy is loaded, and not load one"});
}

void add_devices(MountPlan& plan, const MachineSpec& spec) {
    plan.push_back({.target = "/dev",
                    .action = DeviceDirectory{},
                    .attributes = MOUNT_ATTR_NOSUID | exact_times,
                    .why = "only the devices that every machine may have"});
    plan.push_back(tmpfs(spec, "/dev/shm", {{"mode", "01777"}, {"size", "10%"}, {"nr_inodes", "400k"}},
                         inert | exact_times, "POSIX shared memory"));
    plan.push_back(new_filesystem("/dev/pts", "devpts",
                                  {{"newinstance", ""},
                                   {"ptmxmode", "0666"},
                                   {"mode", "0600"},
                                   {"gid", std::to_string(spec.users.base + tty_group)}},
                                  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, MountSide::host,
                                  "terminals of its own, unseen by others"));
}

// What lies in sysfs and is nobody's business inside.
void add_sysfs_masks(MountPlan& plan, const MachineSpec& spec) {
    if (spec.syscall_filter.strict)
        for (const char* secret : {"/sys/firmware", "/sys/devices/virtual/powercap", "/sys/devices/virtual/dmi"})
            // Empty and readable, not a mask: hostnamed takes a directory that it may not open for a failure.
            plan.push_back({.target = secret,
                            .action = NewFilesystem{"tmpfs", {{"mode", "0555"}, {"size", "4k"}}},
                            .attributes = api | read_only,
                            .when_missing = WhenMissing::skip,
                            .why = "tells of the host's hardware"});
}

void add_run(MountPlan& plan, const MachineSpec& spec) {
    // What is set here is locked inside, and systemd-nspawn's remounts of what it takes from here leave it out.
    const std::uint64_t flags = spec.nesting ? exact_times : inert | exact_times;
    plan.push_back(tmpfs(spec, "/run", {{"mode", "0755"}, {"size", "20%"}, {"nr_inodes", "800k"}}, flags,
                         "init expects it empty"));
    plan.push_back({.target = "/run/host",
                    .action = HostInterface{},
                    .attributes = api | read_only,
                    .why = "what the host tells the machine"});
    plan.push_back({.target = "/run/host/unix-export",
                    .action = UnixExport{},
                    .attributes = api | MOUNT_ATTR_NOSYMFOLLOW,
                    .why = "sockets that the machine offers to the host"});
    if (!spec.credentials.empty())
        plan.push_back({.target = "/run/host/credentials",
                        .action = Credentials{},
                        .attributes = api | read_only | MOUNT_ATTR_NOSYMFOLLOW,
                        .why = "secrets for its services, never swapped out"});
    if (spec.integration.forwarded_journal)
        plan.push_back({.target = Path{journal_socket_inside}.parent_path(),
                        .action = JournalDirectory{},
                        .attributes = api | read_only | MOUNT_ATTR_NOSYMFOLLOW,
                        .when_missing = WhenMissing::fail,
                        .why = "the host receives its journal"});
}

bool lies_below(const Path& path, const char* directory) {
    return path.native().starts_with(directory);
}

// What lies in a filesystem of the payload's side can be attached only once that is there.
bool waits_for_payload(const Path& destination, const MachineSpec& spec) {
    return lies_below(destination, "/proc/") || (spec.tmpfs_on_tmp && lies_below(destination, "/tmp/"));
}

bool is_there_already(const ExtraMount& mount) {
    return mount.kind == ExtraMountKind::inaccessible || mount.kind == ExtraMountKind::read_only;
}

void add_extra_mounts(MountPlan& plan, const MachineSpec& spec) {
    for (const ExtraMount& mount : spec.extra_mounts) {
        if (is_on_the_root(mount))
            continue;
        plan.push_back({.target = mount.destination,
                        .action = Extra{mount},
                        .attributes = 0,
                        .side = waits_for_payload(mount.destination, spec) ? MountSide::payload : MountSide::host,
                        .when_missing = mount.may_be_missing      ? WhenMissing::skip
                                        : is_there_already(mount) ? WhenMissing::fail
                                                                  : WhenMissing::make_directory,
                        .why = "asked for"});
    }
}

void add_proc(MountPlan& plan, const MachineSpec& spec) {
    plan.push_back(new_filesystem("/proc", "proc", {}, api, MountSide::payload, "its own processes"));
    if (!spec.sysctls.empty())
        plan.push_back({.target = "/proc/sys",
                        .action = KernelSettings{spec.sysctls},
                        .side = MountSide::payload,
                        .when_missing = WhenMissing::fail,
                        .why = "asked for"});
    if (spec.api_writable == ApiWritable::yes)
        return;
    plan.push_back({.target = "/proc/sys",
                    .action = BindOnItself{},
                    .attributes = api | read_only,
                    .side = MountSide::payload,
                    .why = "most of these settings are the host's"});
    if (spec.network.is_private || spec.api_writable == ApiWritable::network)
        plan.push_back({.target = "/proc/sys/net",
                        .action = BindOnItself{},
                        .attributes = api,
                        .side = MountSide::payload,
                        .when_missing = WhenMissing::skip,
                        .why = "these belong to its own network namespace"});
    for (const char* secret :
         {"/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list"})
        plan.push_back({.target = secret,
                        .action = Mask{},
                        .attributes = api | read_only,
                        .side = MountSide::payload,
                        .when_missing = WhenMissing::skip,
                        .why = "tells of, or acts on, the host's kernel"});
    for (const char* part :
         {"/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi"})
        plan.push_back({.target = part,
                        .action = BindOnItself{},
                        .attributes = api | read_only,
                        .side = MountSide::payload,
                        .when_missing = WhenMissing::skip,
                        .why = "the host's hardware"});
}

// The kernel lets new instances of the two be mounted in a user namespace only where one is there that nothing hides
// parts of. What a machine's root may do with these is the same: the files belong to nobody in its user namespace.
void add_whole_instances(MountPlan& plan, const MachineSpec& spec) {
    if (!spec.nesting)
        return;
    plan.push_back({.target = "/run/host/nesting/sys",
                    .action = Sysfs{},
                    .attributes = api,
                    .why = "machines inside may have a sysfs of their own"});
    plan.push_back(new_filesystem("/run/host/nesting/proc", "proc", {}, api, MountSide::payload,
                                  "machines inside may have a /proc of their own"));
}

void add_payload_filesystems(MountPlan& plan, const MachineSpec& spec) {
    if (!spec.shared.ipc)
        plan.push_back({.target = "/dev/mqueue",
                        .action = NewFilesystem{"mqueue", {}},
                        .attributes = api,
                        .side = MountSide::payload,
                        .may_fail = true,
                        .why = "POSIX message queues of its IPC namespace"});
    // Without a namespace of groups it shows the host's, which users of the machine's own may not mount.
    plan.push_back({.target = "/sys/fs/cgroup",
                    .action = NewFilesystem{"cgroup2", {{"nsdelegate", ""}, {"memory_recursiveprot", ""}}},
                    .attributes = api,
                    .side = spec.cgroup_namespace ? MountSide::payload : MountSide::host,
                    .why = "always the unified hierarchy, whatever the host mounts"});
    // On the payload's side, where the process has come to the group that it stays in.
    if (!spec.cgroup_namespace)
        plan.push_back({.target = "/sys/fs/cgroup",
                        .action = OwnGroupOnly{},
                        .attributes = api | read_only,
                        .side = MountSide::payload,
                        .why = "the other groups are the host's"});
    if (!spec.shared.pid) {
        plan.push_back({.target = "/proc/sys/kernel/random/boot_id",
                        .action = BootId{},
                        .attributes = api | read_only,
                        .side = MountSide::payload,
                        .when_missing = WhenMissing::skip,
                        .why = "the journal tells boots apart by it"});
        plan.push_back({.target = "/proc/kmsg",
                        .action = KernelLog{},
                        .attributes = api | read_only,
                        .side = MountSide::payload,
                        .when_missing = WhenMissing::skip,
                        .why = "readers must neither see the host's log nor fail"});
    }
}

void label_api_filesystems(MountPlan& plan, const MachineSpec& spec) {
    for (MountStep& step : plan)
        if (auto* made = std::get_if<NewFilesystem>(&step.action);
            made != nullptr && (made->type == "tmpfs" || made->type == "devpts"))
            made->options = with_api_label(std::move(made->options), spec);
}

} // namespace

SuperblockOptions with_api_label(SuperblockOptions options, const MachineSpec& spec) {
    if (!spec.selinux.api_filesystems.empty())
        options.emplace_back("context", spec.selinux.api_filesystems);
    return options;
}

MountPlan plan_mounts(const MachineSpec& spec) {
    MountPlan plan;
    add_temporary_directories(plan, spec);
    add_sysfs(plan, spec);
    add_devices(plan, spec);
    add_run(plan, spec);
    add_sysfs_masks(plan, spec);
    add_extra_mounts(plan, spec);
    add_proc(plan, spec);
    add_whole_instances(plan, spec);
    add_payload_filesystems(plan, spec);
    label_api_filesystems(plan, spec);
    std::ranges::stable_partition(plan, [](const MountStep& step) { return step.side == MountSide::host; });
    // Extras in /proc were planned before /proc itself.
    std::ranges::stable_partition(plan, [](const MountStep& step) {
        return step.side == MountSide::host || !std::holds_alternative<Extra>(step.action);
    });
    return plan;
}

namespace {

struct Named {
    std::uint64_t attribute;
    const char* name;
};
constexpr Named attribute_names[] = {
    {MOUNT_ATTR_RDONLY, "ro"},     {MOUNT_ATTR_NOSUID, "nosuid"},           {MOUNT_ATTR_NODEV, "nodev"},
    {MOUNT_ATTR_NOEXEC, "noexec"}, {MOUNT_ATTR_STRICTATIME, "strictatime"}, {MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow"}};

struct ActionText {
    std::string operator()(const NewFilesystem& made) const {
        std::string text = made.type;
        for (const auto& [key, value] : made.options)
            text += " " + key + (value.empty() ? "" : "=" + value);
        return text;
    }
    std::string operator()(const DeviceDirectory&) const {
        return "device nodes";
    }
    std::string operator()(const HostInterface&) const {
        return "host interface";
    }
    std::string operator()(const JournalDirectory&) const {
        return "journal of the host";
    }
    std::string operator()(const UnixExport&) const {
        return "exported sockets";
    }
    std::string operator()(const Credentials&) const {
        return "credentials";
    }
    std::string operator()(const Sysfs&) const {
        return "sysfs";
    }
    std::string operator()(const HostPath&) const {
        return "the host's";
    }
    std::string operator()(const OwnGroupOnly&) const {
        return "all but its own group";
    }
    std::string operator()(const BindOnItself&) const {
        return "bind on itself";
    }
    std::string operator()(const Mask&) const {
        return "mask";
    }
    std::string operator()(const BootId&) const {
        return "boot id";
    }
    std::string operator()(const KernelLog&) const {
        return "empty kernel log";
    }
    std::string operator()(const KernelSettings& settings) const {
        std::string text = "kernel settings";
        for (const std::string& value : settings.values)
            text += " " + value;
        return text;
    }
    std::string operator()(const Extra& extra) const {
        const ExtraMount& mount = extra.mount;
        switch (mount.kind) {
        case ExtraMountKind::tmpfs: return "tmpfs " + mount.tmpfs_options;
        case ExtraMountKind::overlay: return "overlay";
        case ExtraMountKind::inaccessible: return "mask";
        case ExtraMountKind::read_only: return "bind on itself ro";
        case ExtraMountKind::bind: break;
        }
        return "bind " +
               (mount.source.is_temporary() ? std::string{"(temporary directory)"} : mount.source.path.string()) +
               (mount.read_only ? " ro " : " ") +
               (mount.owner_map ? "with owners of its own" : std::string{name_of(id_mapping_names, mount.id_mapping)});
    }
};

} // namespace

std::string describe_action(const MountStep& step) {
    return std::visit(ActionText{}, step.action);
}

std::string describe_attributes(const MountStep& step) {
    std::string text;
    for (const auto& [attribute, name] : attribute_names)
        if ((step.attributes & attribute) == attribute)
            text.append(text.empty() ? "" : ",").append(name);
    return text;
}

std::string describe(const MountStep& step) {
    std::string text = step.target.string() + ": " + describe_action(step);
    if (const std::string attributes = describe_attributes(step); !attributes.empty())
        text += " [" + attributes + "]";
    return text + " (" + step.why + ")";
}

} // namespace machinist
