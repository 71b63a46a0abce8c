// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/apply_mounts.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"
#include "supervisor/device_directory.hpp"
#include "supervisor/extra_mount.hpp"
#include "supervisor/host_interface.hpp"
#include "supervisor/mount_point.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

void attach_new(const MountStep& step, BorrowedFd root, BorrowedFd mount) {
    if (const auto place = open_mount_point(step, root, MountPointKind::directory))
        attach_mount(mount, *place);
}

// As systemd-nspawn has it: first the one that stays writable, then the rest.
void leave_own_group_writable(const MountStep& step, BorrowedFd root) {
    const std::filesystem::path own = own_cgroup().lexically_relative(cgroup_root());
    const UniqueFd hierarchy = open_beneath(root, step.target, O_PATH, Links::refuse);
    if (own == ".")
        return;
    const UniqueFd group = open_beneath(hierarchy, own, O_PATH, Links::refuse);
    attach_mount(clone_mount(group, false), group);
    change_mount(hierarchy, {.set = step.attributes});
}

// The nodes of /run/host/inaccessible, not the image's /dev/null, which may be anything (CVE-2025-31133).
void mask(const MountStep& step, BorrowedFd root) {
    const auto seen = open_beneath_if_exists(root, step.target, O_PATH, Links::inside_root);
    if (!seen && step.when_missing == WhenMissing::skip)
        return;
    if (!seen)
        throw Failure{FailureKind::not_found, "'" + step.target.string() + "' does not exist in the machine"};
    const mode_t type = status_of(*seen).st_mode & S_IFMT;
    const char* node = type == S_IFDIR    ? "dir"
                       : type == S_IFIFO  ? "fifo"
                       : type == S_IFSOCK ? "sock"
                       : type == S_IFCHR  ? "chr"
                       : type == S_IFBLK  ? "blk"
                                          : "reg";
    const UniqueFd source = open_beneath(root, std::string{"run/host/inaccessible/"} + node, O_PATH, Links::refuse);
    const UniqueFd mount = clone_mount(source, false);
    change_mount(mount, {.set = step.attributes | MOUNT_ATTR_RDONLY});
    attach_mount(mount, *seen);
}

void bind_on_itself(const MountStep& step, BorrowedFd root) {
    const auto place = open_mount_point(step, root, MountPointKind::directory);
    if (!place)
        return;
    const UniqueFd mount = clone_mount(*place, false);
    change_mount(mount, {.set = step.attributes,
                         .clear = step.attributes & MOUNT_ATTR_RDONLY ? 0 : MountAttributes{MOUNT_ATTR_RDONLY}});
    attach_mount(mount, *place);
}

void bind_from_host_interface(const MountStep& step, BorrowedFd root, const char* name) {
    const auto place = open_mount_point(step, root, MountPointKind::file);
    if (!place)
        return;
    const UniqueFd source = open_beneath(root, std::string{"run/host/"} + name, O_PATH, Links::refuse);
    const UniqueFd mount = clone_mount(source, false);
    change_mount(mount, {.set = step.attributes});
    attach_mount(mount, *place);
}

// Those that it does not have are told: what is asked for must not be left out in silence.
void write_kernel_settings(const KernelSettings& wanted, BorrowedFd root) {
    for (const std::string& setting : wanted.values) {
        const std::size_t equals = setting.find('=');
        std::string name = setting.substr(0, equals);
        std::ranges::replace(name, '.', '/');
        const UniqueFd file = open_beneath(root, "proc/sys/" + name, O_WRONLY, Links::refuse);
        const std::string value = setting.substr(equals + 1) + "\n";
        if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
            throw system_failure("set '" + setting + "'");
    }
}

void make_read_only(const MountStep& step, BorrowedFd root) {
    const auto place = open_beneath_if_exists(root, step.target, O_PATH, Links::inside_root);
    if (!place && step.when_missing == WhenMissing::skip)
        return;
    if (!place)
        throw Failure{FailureKind::not_found, "'" + step.target.string() + "' does not exist in the machine"};
    const UniqueFd mount = clone_mount(*place, true);
    change_mount(mount, {.set = MOUNT_ATTR_RDONLY, .recursive = true});
    attach_mount(mount, *place);
}

// What acts on what is there, instead of bringing something.
bool act_on_what_is_there(const MountStep& step, const ExtraMount& mount, BorrowedFd root) {
    if (mount.kind == ExtraMountKind::inaccessible)
        mask(step, root);
    else if (mount.kind == ExtraMountKind::read_only)
        make_read_only(step, root);
    else
        return false;
    return true;
}

// That of our own network. Inside of a machine that network may be the host's, whose sysfs is not ours to mount; then
// it is the one that we have, with what is mounted in it.
UniqueFd make_shared_sysfs(MountAttributes attributes) {
    try {
        return make_filesystem("sysfs", {.attributes = attributes});
    } catch (const Failure& failure) {
        if (failure.error_number() != EPERM || in_initial_user_namespace())
            throw;
    }
    UniqueFd mount = clone_mount(open_path("/sys", O_PATH | O_DIRECTORY), true);
    change_mount(mount, {.set = attributes});
    return mount;
}

UniqueFd make_sysfs_of(const Pidfd& leader, const MachineSpec& spec, MountAttributes attributes) {
    if (!spec.network.is_private && !spec.network.namespace_path)
        return make_shared_sysfs(attributes);
    // A sysfs shows the network namespace of whoever mounts it.
    const UniqueFd ours = open_path("/proc/self/ns/net", O_RDONLY);
    if (::setns(leader.descriptor().get(), CLONE_NEWNET) < 0)
        throw system_failure("join the machine's network namespace");
    const ScopeExit back{[&] {
        if (::setns(ours.get(), CLONE_NEWNET) < 0)
            std::terminate(); // going on would act on the machine's network as if it were the host's
    }};
    return make_filesystem("sysfs", {.attributes = attributes});
}

UniqueFd make_unix_export(const MachineSpec& spec, MountAttributes attributes) {
    SuperblockOptions options{{"mode", "0755"}, {"size", "4m"}, {"nr_inodes", "64"}};
    if (spec.users.kind != UserNamespaceKind::none)
        for (const char* key : {"uid", "gid"})
            options.emplace_back(key, std::to_string(spec.users.base));
    return make_filesystem("tmpfs", {.options = with_api_label(std::move(options), spec), .attributes = attributes});
}

class HostSide {
public:
    explicit HostSide(const HostSideSurroundings& around) : around_(around) {}

    void apply(const MountStep& step) {
        step_ = &step;
        std::visit(*this, step.action);
    }
    HostSideMounts take() {
        return std::move(made_);
    }

    void operator()(const NewFilesystem& wanted) {
        UniqueFd mount = make_filesystem(wanted.type, {.options = wanted.options, .attributes = step_->attributes});
        attach_new(*step_, around_.root, mount);
        if (wanted.type == "devpts")
            made_.devpts = std::move(mount);
    }
    void operator()(const DeviceDirectory&) {
        const UniqueFd devices = make_device_directory(around_.spec, step_->attributes);
        attach_new(*step_, around_.root, devices);
        show_devices_of_the_host(devices);
    }
    void operator()(const HostInterface&) {
        HostInterfaceMount made = make_host_interface(around_.spec, step_->attributes);
        // Made in a directory of /run that nobody can have touched: that tmpfs is ours and new.
        attach_new(*step_, around_.root, made.mount);
        made_.notify_socket = std::move(made.notify_socket);
        made_.kernel_log = std::move(made.kernel_log);
    }
    void operator()(const JournalDirectory&) {
        const UniqueFd mount = make_filesystem(
            "tmpfs", {.options = with_api_label({{"mode", "0755"}, {"size", "4k"}, {"nr_inodes", "8"}}, around_.spec)});
        attach_new(*step_, around_.root, mount);
        made_.journal = clone_mount(mount, false);
        change_mount(mount, {.set = step_->attributes});
    }
    void operator()(const UnixExport&) {
        UniqueFd mount = make_unix_export(around_.spec, step_->attributes);
        attach_new(*step_, around_.root, mount);
        made_.unix_export = std::move(mount);
    }
    void operator()(const Credentials&) {
        attach_new(*step_, around_.root, make_credentials(around_.spec, step_->attributes));
    }
    void operator()(const Sysfs&) {
        attach_new(*step_, around_.root, make_sysfs_of(around_.leader, around_.spec, step_->attributes));
    }
    void operator()(const HostPath&) {
        const auto source = open_path_if_exists(step_->target, O_PATH | O_NOFOLLOW);
        if (!source || !is_mount_point(*source))
            return;
        const UniqueFd mount = clone_mount(*source, false);
        change_mount(mount, {.set = step_->attributes});
        attach_new(*step_, around_.root, mount);
    }
    void operator()(const OwnGroupOnly&) {
        leave_own_group_writable(*step_, around_.root);
    }
    void operator()(const BindOnItself&) {
        bind_on_itself(*step_, around_.root);
    }
    void operator()(const Mask&) {
        mask(*step_, around_.root);
    }
    void operator()(const BootId&) {
        bind_from_host_interface(*step_, around_.root, "proc-sys-kernel-random-boot-id");
    }
    void operator()(const KernelLog&) {
        bind_from_host_interface(*step_, around_.root, "proc-kmsg");
    }
    void operator()(const KernelSettings& wanted) {
        write_kernel_settings(wanted, around_.root);
    }
    void operator()(const Extra& extra) {
        if (act_on_what_is_there(*step_, extra.mount, around_.root))
            return;
        PreparedMount prepared = prepare(extra);
        const auto place = open_mount_point(*step_, around_.root,
                                            prepared.is_directory ? MountPointKind::directory : MountPointKind::file);
        attach_mount(prepared.mount, *place);
    }
    void prepare_for_payload(const Extra& extra) {
        if (extra.mount.kind != ExtraMountKind::inaccessible && extra.mount.kind != ExtraMountKind::read_only)
            made_.for_payload.push_back(std::move(prepare(extra).mount));
    }

private:
    PreparedMount prepare(const Extra& extra) {
        return prepare_extra_mount(extra.mount, {.spec = around_.spec,
                                                 .root = around_.root,
                                                 .user_namespace = around_.user_namespace,
                                                 .undo_lines = around_.undo_lines});
    }

    const HostSideSurroundings& around_;
    const MountStep* step_ = nullptr;
    HostSideMounts made_;
};

class PayloadSide {
public:
    PayloadSide(BorrowedFd root, std::vector<UniqueFd> prepared) : root_(root), prepared_(std::move(prepared)) {}

    void apply(const MountStep& step) {
        if (const auto* wanted = std::get_if<NewFilesystem>(&step.action))
            attach_filesystem(step, *wanted);
        else if (std::holds_alternative<OwnGroupOnly>(step.action))
            leave_own_group_writable(step, root_);
        else if (std::holds_alternative<BindOnItself>(step.action))
            bind_on_itself(step, root_);
        else if (std::holds_alternative<Mask>(step.action))
            mask(step, root_);
        else if (std::holds_alternative<BootId>(step.action))
            bind_from_host_interface(step, root_, "proc-sys-kernel-random-boot-id");
        else if (std::holds_alternative<KernelLog>(step.action))
            bind_from_host_interface(step, root_, "proc-kmsg");
        else if (const auto* settings = std::get_if<KernelSettings>(&step.action))
            write_kernel_settings(*settings, root_);
        else if (const auto* extra = std::get_if<Extra>(&step.action))
            attach_extra(step, *extra);
        else
            throw Failure{FailureKind::internal, "the plan asks for it on the payload's side"};
    }

private:
    void attach_filesystem(const MountStep& step, const NewFilesystem& wanted) {
        const auto place = open_mount_point(step, root_, MountPointKind::directory);
        // What the image or the administrator has mounted on /tmp or /proc is there on purpose.
        if (place && (step.target == "/proc" || step.target == "/tmp") && is_mount_point(*place))
            return;
        if (place)
            attach_mount(make_filesystem(wanted.type, {.options = wanted.options, .attributes = step.attributes}),
                         *place);
    }
    void attach_extra(const MountStep& step, const Extra& extra) {
        if (act_on_what_is_there(step, extra.mount, root_))
            return;
        const UniqueFd mount = std::move(prepared_.at(next_prepared_++));
        const bool is_directory = S_ISDIR(status_of(mount).st_mode);
        const auto place =
            open_mount_point(step, root_, is_directory ? MountPointKind::directory : MountPointKind::file);
        attach_mount(mount, *place);
    }

    BorrowedFd root_;
    std::vector<UniqueFd> prepared_;
    std::size_t next_prepared_ = 0;
};

template <typename Side>
void apply_step(Side& side, const MountStep& step) {
    try {
        doing("mount '" + step.target.string() + "'", [&] { side.apply(step); });
    } catch (const Failure& failure) {
        // A shape that harms is never shrugged off.
        if (!step.may_fail || failure.kind() == FailureKind::hostile)
            throw;
    }
}

} // namespace

HostSideMounts apply_host_side(const MountPlan& plan, const HostSideSurroundings& surroundings) {
    HostSide side{surroundings};
    for (const MountStep& step : plan) {
        if (step.side == MountSide::host)
            apply_step(side, step);
        else if (const auto* extra = std::get_if<Extra>(&step.action))
            doing("mount '" + step.target.string() + "'", [&] { side.prepare_for_payload(*extra); });
    }
    return side.take();
}

void apply_payload_side(const MountPlan& plan, BorrowedFd root, std::vector<UniqueFd> prepared) {
    PayloadSide side{root, std::move(prepared)};
    for (const MountStep& step : plan)
        if (step.side == MountSide::payload)
            apply_step(side, step);
}

} // namespace machinist
