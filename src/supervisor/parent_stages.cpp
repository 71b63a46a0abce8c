// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/parent_stages.hpp"

#include "base/failure.hpp"
#include "image/base_directories.hpp"
#include "image/id_range_store.hpp"
#include "image/owned_tree.hpp"
#include "image/shift_ownership.hpp"
#include "image/template.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/run_directory.hpp"
#include "spec/spec_json.hpp"
#include "spec/syscall_filter.hpp"
#include "supervisor/extra_mount.hpp"
#include "supervisor/first_process.hpp"
#include "supervisor/gateway_request.hpp"
#include "supervisor/handshake.hpp"
#include "supervisor/host_integration.hpp"
#include "supervisor/journal_receiver.hpp"
#include "supervisor/machine_links.hpp"
#include "supervisor/registrar.hpp"
#include "supervisor/stage.hpp"
#include "supervisor/unit_request.hpp"

#include <array>
#include <cstddef>
#include <fcntl.h>
#include <optional>
#include <sched.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

bool has_own_users(const Start& start) {
    return start.spec.users.kind != UserNamespaceKind::none;
}

// A machine that is not listed cannot stand in the way of another of the same name.
std::string key_of(const MachineSpec& spec) {
    return spec.registered ? spec.name.text() : spec.name.text() + "@" + std::to_string(::getpid());
}

void take_the_name(Start& start) {
    if (start.run)
        return;
    if (start.spec.registered)
        refuse_name_of_other_manager(start.spec.name);
    start.run = RunDirectory::acquire(key_of(start.spec), start.programs.supervisor);
}

void make_the_image(Start& start) {
    if (start.spec.root.make_from && start.first_start)
        (void)make_from_template(*start.spec.root.make_from, start.spec.root.directory);
}

void lock_the_image(Start& start) {
    if (!start.spec.lock_image || !start.first_start)
        return;
    const RootSpec& root = start.spec.root;
    const LockMode mode = lock_mode_for(root);
    const auto& owner = start.spec.users.owner;
    ImageLock lock = owner ? lock_opened_tree(open_owned_tree(root.directory, *owner), root.directory, mode)
                           : lock_image(root.directory, mode);
    for (const Path& path : lock.paths)
        start.run.will_undo("lock " + path.string());
    for (UniqueFd& descriptor : lock.descriptors)
        start.kept.push_back(std::move(descriptor));
}

struct Owner {
    std::uint32_t uid = 0, gid = 0;
};

Owner owner_of_the_tree(const RootSpec& root) {
    if (root.disk)
        return {root.disk->owner_uid, root.disk->owner_gid};
    const struct stat status = status_of(open_path(root.directory, O_PATH | O_DIRECTORY));
    return {status.st_uid, status.st_gid};
}

void keep_locked(Start& start, IdRange range) {
    start.run.will_undo("lock " + range.lock_file.string());
    start.kept.push_back(std::move(range.lock));
}

// Owners of trees inside change only where nesting is asked for.
bool has_marking_range(const MachineSpec& spec) {
    return spec.nesting && spec.users.nested_ranges > 0;
}

// On disk are the ids that the machine sees, so the next start may have others here.
void choose_nested_ranges(Start& start) {
    UserSpec& users = start.spec.users;
    const std::size_t wanted = users.nested_ranges + (has_marking_range(start.spec) ? 1U : 0U);
    while (users.nested_bases.size() < wanted) {
        IdRange nested = IdRangeStore{}.pick_another();
        users.nested_bases.push_back(nested.base);
        keep_locked(start, std::move(nested));
    }
}

void choose_the_id_range(Start& start) {
    UserSpec& users = start.spec.users;
    if (users.kind == UserNamespaceKind::of_root) {
        const Owner owner = owner_of_the_tree(start.spec.root);
        users.base = range_of_owner(owner.uid, owner.gid);
        users.kind = UserNamespaceKind::fixed;
    }
    if (start.spec.nesting && users.kind == UserNamespaceKind::fixed && users.base == 0)
        throw Failure{FailureKind::invalid, "a machine for nesting needs users of its own, and the tree is the host's"}
            .try_instead("--private-users=pick");
    if (users.kind == UserNamespaceKind::managed) {
        IdRange range = IdRangeStore{}.pick_another();
        users.kind = UserNamespaceKind::fixed;
        users.base = range.base;
        keep_locked(start, std::move(range));
        return choose_nested_ranges(start);
    }
    if (users.kind != UserNamespaceKind::pick)
        return;
    const bool instance = start.spec.root.layer != LayerKind::none;
    IdRange range = IdRangeStore{}.pick(
        {.name = start.spec.name.text(),
         .tree_owner = instance ? std::nullopt : std::optional{owner_of_the_tree(start.spec.root).uid},
         .remember = !instance && start.spec.registered});
    users.kind = UserNamespaceKind::fixed;
    users.base = range.base;
    keep_locked(start, std::move(range));
    choose_nested_ranges(start);
}

void reserve_addresses(Start& start) {
    ask_for_addresses(start);
}

void write_down_the_spec(Start& start) {
    start.layer = plan_layer(start.spec.root, start.run.path().filename().string());
    start.run.will_undo(start.layer.undo_lines);
    start.mounts = plan_mounts(start.spec);
    start.syscall_filter = build_syscall_filter(start.spec.syscall_filter, start.spec.capabilities,
                                                start.spec.network.is_private || start.spec.network.namespace_path);
    if (const auto& filter = start.spec.syscall_filter; filter.enabled && filter.rules)
        start.syscall_rules = build_syscall_rules(*filter.rules);
    start.run.write("spec.json", to_json(start.spec));
    if (start.spec.users.owner)
        start.run.write("owner", std::to_string(start.spec.users.owner->uid) + "\n");
}

void make_the_cgroup(Start& start) {
    const std::string key = start.run.path().filename().string();
    start.place = place_for_machine(start.spec, key, start.first_start);
    if (start.place == UnitPlace::new_scope)
        return;
    const CgroupPlan plan = plan_cgroup(start.place, key);
    start.run.will_undo(plan.undo_lines);
    start.cgroup = make_machine_cgroup(plan, start.spec);
}

void enter_a_mount_namespace(Start& start) {
    start.working_directory = UniqueFd{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    start.host_mounts = open_path("/proc/self/ns/mnt", O_RDONLY);
    make_directories("/run/machinist/staging", 0700);
    enter_private_mount_namespace();
}

void clone_the_first_process(Start& start) {
    clone_first_process(start);
}

void ask_for_its_unit(Start& start) {
    begin_unit_request(start);
}

void write_the_id_maps(Start& start) {
    if (!has_own_users(start))
        return;
    const UserSpec& users = start.spec.users;
    std::vector<IdMap> map{{.inside = 0, .outside = users.base, .count = users.size}};
    for (std::size_t range = 0; range < users.nested_bases.size(); ++range) {
        const bool marks = has_marking_range(start.spec) && range + 1 == users.nested_bases.size();
        const auto inside = first_nested_id + static_cast<std::uint32_t>(range) * IdRangeStore::size;
        map.push_back(
            {.inside = marks ? busy_owner : inside, .outside = users.nested_bases[range], .count = IdRangeStore::size});
    }
    write_id_maps(start.leader.pid(), map, map);
    start.user_namespace = open_path("/proc/" + std::to_string(start.leader.pid()) + "/ns/user", O_RDONLY);
}

void make_the_links(Start& start) {
    make_machine_links(start);
}

// Names of temporary directories are known only when they are there: they are told also of a stage that fails.
template <typename Body>
void recording_what_is_made(Start& start, Body&& body) {
    std::vector<std::string> undo_lines;
    try {
        body(undo_lines);
    } catch (...) {
        start.run.will_undo(undo_lines);
        throw;
    }
    start.run.will_undo(undo_lines);
}

void compose_the_images_root(Start& start) {
    if (start.kept_root) {
        attach_mount(start.kept_root, make_directories_beneath(start.staging, "root", 0755, Links::refuse));
        start.root.mount = std::move(start.kept_root);
        start.kept_root = clone_mount(start.root.mount, true);
        return;
    }
    start.root = compose_root(start.spec.root,
                              {.ownership = start.spec.users.ownership,
                               .base = has_own_users(start) ? start.spec.users.base : 0,
                               .size = start.spec.users.size,
                               .user_namespace = start.user_namespace,
                               .owner = start.spec.users.owner,
                               .memory_label = start.spec.selinux.api_filesystems},
                              start.staging, start.layer, start.disk_keys);
    start.warnings.insert(start.warnings.end(), start.root.warnings.begin(), start.root.warnings.end());
    if (start.spec.root.layer != LayerKind::none)
        start.kept_root = clone_mount(start.root.mount, true);
}

void compose_the_root(Start& start) {
    start.staging = open_staging_directory();
    compose_the_images_root(start);
    recording_what_is_made(start, [&](std::vector<std::string>& undo_lines) {
        mount_on_the_root(start.root, start.spec, start.user_namespace, undo_lines);
    });
}

template <typename Body>
void as_root_of_the_machine(const Start& start, Body&& body) {
    std::optional<FilesystemIds> ids;
    if (has_own_users(start))
        ids.emplace(start.spec.users.base, start.spec.users.base);
    body();
}

void make_the_base_directories(Start& start) {
    as_root_of_the_machine(start, [&] { make_base_directories(start.root.mount); });
}

void mount_the_hosts_side(Start& start) {
    recording_what_is_made(start, [&](std::vector<std::string>& undo_lines) {
        as_root_of_the_machine(start, [&] {
            start.host_side = apply_host_side(start.mounts, {.spec = start.spec,
                                                             .root = start.root.mount,
                                                             .user_namespace = start.user_namespace,
                                                             .leader = start.leader,
                                                             .undo_lines = undo_lines});
        });
    });
}

void integrate_with_the_host(Start& start) {
    as_root_of_the_machine(start, [&] {
        for (std::string& warning : integrate_with_host(start.spec, start.root.mount))
            start.warnings.push_back(std::move(warning));
    });
    seal_root(start.root);
}

void make_the_console(Start& start) {
    as_root_of_the_machine(start, [&] { start.console = make_payload_console(start.spec, start.host_side.devpts); });
}

void enter_its_unit(Start& start) {
    finish_unit_request(start);
}

void let_the_payload_mount(Start& start) {
    std::vector<int> descriptors{start.root.mount.get()};
    for (const UniqueFd& stream : start.console.payload_ends)
        descriptors.push_back(stream.get());
    for (const UniqueFd& mount : start.host_side.for_payload)
        descriptors.push_back(mount.get());
    send_word(start.handshake, Message::go, descriptors);
    return_to_the_hosts_mounts(start);
    start.console.payload_ends = {};
    start.host_side.for_payload.clear();
}

void limit_the_machine(Start& start) {
    limit_first_process(start);
    // Over a reboot in place the group stays, and a second device policy would only be added to the first.
    if (start.first_start)
        limit_machine_cgroup(start.cgroup, start.spec);
}

void receive_its_journal(Start& start) {
    receive_journal(start);
}

void register_the_machine(Start& start) {
    register_machine(start);
}

void see_to_its_network(Start& start) {
    have_network_seen_to(start);
}

void let_the_payload_execute(Start& start) {
    send_word(start.handshake, Message::execute);
}

// Order matters: each line may rely on all lines above it.
constexpr std::array parent_stages{
    Stage<Start>{"take the name", take_the_name},
    Stage<Start>{"make the image from its template", make_the_image},
    Stage<Start>{"lock the image", lock_the_image},
    Stage<Start>{"choose the id range", choose_the_id_range},
    // They are part of the spec, and the machine has them before its payload runs.
    Stage<Start>{"reserve addresses", reserve_addresses},
    Stage<Start>{"write down the spec", write_down_the_spec},
    Stage<Start>{"make the cgroup", make_the_cgroup},
    Stage<Start>{"enter a mount namespace", enter_a_mount_namespace},
    // It shares our mount namespace until all is mounted: then it takes a locked copy.
    Stage<Start>{"clone the first process", clone_the_first_process},
    Stage<Start>{"write the id maps", write_the_id_maps},
    // Their files in /sys belong to the machine's root, who has to be known; and whoever lists the machine is told of
    // them.
    Stage<Start>{"make the links", make_the_links},
    // Answered while we go on.
    Stage<Start>{"ask for its unit", ask_for_its_unit},
    Stage<Start>{"compose the root", compose_the_root},
    Stage<Start>{"make the base directories", make_the_base_directories},
    Stage<Start>{"mount the host's side", mount_the_hosts_side},
    Stage<Start>{"integrate with the host", integrate_with_the_host},
    Stage<Start>{"make the console", make_the_console},
    // Before it makes its cgroup namespace, whose root is where it is then.
    Stage<Start>{"enter its unit", enter_its_unit},
    // From here on the two halves work side by side.
    Stage<Start>{"let the payload mount", let_the_payload_mount},
    Stage<Start>{"limit the machine", limit_the_machine},
    // In the group of whoever keeps the machine, which we are in by now.
    Stage<Start>{"receive its journal", receive_its_journal},
    // Whoever hears of the machine from here on must find it by its name.
    Stage<Start>{"register the machine", register_the_machine},
    // All that is to be known of the machine is in its run directory by now.
    Stage<Start>{"see to its network", see_to_its_network},
    Stage<Start>{"let the payload execute", let_the_payload_execute},
};

} // namespace

void prepare_machine(Start& start) {
    run_stages<Start>(parent_stages, start, "parent");
}

std::vector<std::string> parent_stage_names() {
    std::vector<std::string> names;
    for (const Stage<Start>& stage : parent_stages)
        names.emplace_back(stage.name);
    return names;
}

} // namespace machinist
