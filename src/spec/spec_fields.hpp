// SPDX-License-Identifier: LGPL-2.1-or-later
// The members of every struct of a spec, listed once for whoever reads or writes them all. Each list is a structured
// binding: a member that is added to a struct and not here does not compile.
#pragma once

#include "spec/machine_spec.hpp"

#include <concepts>
#include <type_traits>

namespace machinist::spec_fields {

// Values that are written otherwise than their type would be. The argument is const where they are only read.
template <typename Mask>
struct Capabilities {
    Mask& mask;
};
template <typename Number>
struct Signal {
    Number& number;
};
template <typename Numbers>
struct Families {
    Numbers& numbers;
};
template <typename Value>
struct LimitValue {
    Value& value;
};
template <typename Number>
struct Resource {
    Number& number;
};

// Struct, or const Struct for an archive that only reads it.
template <typename Type, typename Struct>
concept Is = std::same_as<std::remove_const_t<Type>, Struct>;

template <typename Archive>
void fields(Archive& archive, Is<DiskVerity> auto& verity) {
    auto& [root_hash, signature, tree_file, tree_offset, tree_size] = verity;
    archive("root-hash", root_hash);
    archive("signature", signature);
    archive("tree-file", tree_file);
    archive("tree-offset", tree_offset);
    archive("tree-size", tree_size);
}

template <typename Archive>
void fields(Archive& archive, Is<DiskMount> auto& mount) {
    auto& [name, places, offset, size, filesystem, read_only, grows, protection, verity, may_hold] = mount;
    archive("name", name);
    archive("places", places);
    archive("offset", offset);
    archive("size", size);
    archive("filesystem", filesystem);
    archive("read-only", read_only);
    archive("grows", grows);
    archive("protection", protection);
    archive("verity", verity);
    archive("may-hold", may_hold);
}

template <typename Archive>
void fields(Archive& archive, Is<DiskSpec> auto& disk) {
    auto& [sector_size, mounts, owner_uid, owner_gid] = disk;
    archive("sector-size", sector_size);
    archive("mounts", mounts);
    archive("owner-uid", owner_uid);
    archive("owner-gid", owner_gid);
}

template <typename Archive>
void fields(Archive& archive, Is<RootSpec> auto& root) {
    auto& [directory, disk, make_from, layer, volatile_mode, read_only, pivot_new, pivot_old] = root;
    archive("directory", directory);
    archive("disk", disk);
    archive("make-from", make_from);
    archive("layer", layer);
    archive("volatile", volatile_mode);
    archive("read-only", read_only);
    archive("pivot-new", pivot_new);
    archive("pivot-old", pivot_old);
}

template <typename Archive>
void fields(Archive& archive, Is<PlainUser> auto& user) {
    auto& [uid, gid] = user;
    archive("uid", uid);
    archive("gid", gid);
}

template <typename Archive>
void fields(Archive& archive, Is<UserSpec> auto& users) {
    auto& [kind, base, size, ownership, nested_ranges, nested_bases, owner] = users;
    archive("kind", kind);
    archive("base", base);
    archive("size", size);
    archive("ownership", ownership);
    archive("nested-ranges", nested_ranges);
    archive("nested-bases", nested_bases);
    archive("owner", owner);
}

template <typename Archive>
void fields(Archive& archive, Is<LinkPair> auto& pair) {
    auto& [host, machine] = pair;
    archive("host", host);
    archive("machine", machine);
}

template <typename Archive>
void fields(Archive& archive, Is<PortForward> auto& port) {
    auto& [protocol, host_port, machine_port, count] = port;
    archive("protocol", protocol);
    archive("host-port", host_port);
    archive("machine-port", machine_port);
    archive("count", count);
}

template <typename Archive>
void fields(Archive& archive, Is<NetworkSpec> auto& network) {
    auto& [is_private, namespace_path, veth, veth_mac, bridge, zone, interfaces, interfaces_as_they_were, extra_veths,
           macvlans, ipvlans, host_id, addresses, gateways, name_servers, ports] = network;
    archive("private", is_private);
    archive("namespace-path", namespace_path);
    archive("veth", veth);
    archive("veth-mac", veth_mac);
    archive("bridge", bridge);
    archive("zone", zone);
    archive("interfaces", interfaces);
    archive("interfaces-as-they-were", interfaces_as_they_were);
    archive("extra-veths", extra_veths);
    archive("macvlans", macvlans);
    archive("ipvlans", ipvlans);
    archive("host-id", host_id);
    archive("addresses", addresses);
    archive("gateways", gateways);
    archive("name-servers", name_servers);
    archive("ports", ports);
}

template <typename Archive>
void fields(Archive& archive, Is<MountSource> auto& source) {
    auto& [path, in_image] = source;
    archive("path", path);
    archive("in-image", in_image);
}

template <typename Archive>
void fields(Archive& archive, Is<OwnerRange> auto& range) {
    auto& [on_disk, seen, count] = range;
    archive("on-disk", on_disk);
    archive("seen", seen);
    archive("count", count);
}

template <typename Archive>
void fields(Archive& archive, Is<OwnerMap> auto& map) {
    auto& [users, groups, seen_by_host] = map;
    archive("users", users);
    archive("groups", groups);
    archive("seen-by-host", seen_by_host);
}

template <typename Archive>
void fields(Archive& archive, Is<ExtraMount> auto& mount) {
    auto& [kind, destination, read_only, may_be_missing, source, recursive, id_mapping, owner_map, attributes,
           tmpfs_options, lower, upper] = mount;
    archive("kind", kind);
    archive("destination", destination);
    archive("read-only", read_only);
    archive("may-be-missing", may_be_missing);
    archive("source", source);
    archive("recursive", recursive);
    archive("id-mapping", id_mapping);
    archive("owner-map", owner_map);
    archive("attributes", attributes);
    archive("tmpfs-options", tmpfs_options);
    archive("lower", lower);
    archive("upper", upper);
}

template <typename Archive>
void fields(Archive& archive, Is<BoundUser> auto& user) {
    auto& [name, id, real_name, home, shell, password, ssh_keys, groups] = user;
    archive("name", name);
    archive("id", id);
    archive("real-name", real_name);
    archive("home", home);
    archive("shell", shell);
    archive("password", password);
    archive("ssh-keys", ssh_keys);
    archive("groups", groups);
}

template <typename Archive>
void fields(Archive& archive, Is<DeviceSpec> auto& device) {
    auto& [path, access, source, user, group, mode] = device;
    archive("path", path);
    archive("access", access);
    archive("source", source);
    archive("user", user);
    archive("group", group);
    archive("mode", mode);
}

template <typename Archive>
void fields(Archive& archive, Is<PayloadSpec> auto& payload) {
    auto& [mode, arguments, environment, user, groups, umask, working_directory, terminal, terminal_extras, host_ids] =
        payload;
    archive("mode", mode);
    archive("arguments", arguments);
    archive("environment", environment);
    archive("user", user);
    archive("groups", groups);
    archive("umask", umask);
    archive("working-directory", working_directory);
    archive("terminal", terminal);
    archive("terminal-extras", terminal_extras);
    archive("host-ids", host_ids);
}

template <typename Archive>
void fields(Archive& archive, Is<CapabilitySpec> auto& capabilities) {
    auto& [bounding, ambient] = capabilities;
    archive("bounding", Capabilities{bounding});
    archive("ambient", Capabilities{ambient});
}

template <typename Archive>
void fields(Archive& archive, Is<SyscallFilterSpec::AddressFamilies> auto& restriction) {
    auto& [allow_listed, families] = restriction;
    archive("allow-listed", allow_listed);
    archive("families", Families{families});
}

template <typename Archive>
void fields(Archive& archive, Is<SyscallAnswer> auto& answer) {
    auto& [action, error] = answer;
    archive("action", action);
    archive("error", error);
}

template <typename Archive>
void fields(Archive& archive, Is<SyscallCondition> auto& condition) {
    auto& [argument, comparison, value, mask] = condition;
    archive("argument", argument);
    archive("comparison", comparison);
    archive("value", value);
    archive("mask", mask);
}

template <typename Archive>
void fields(Archive& archive, Is<SyscallRule> auto& rule) {
    auto& [calls, answer, conditions] = rule;
    archive("calls", calls);
    archive("answer", answer);
    archive("conditions", conditions);
}

template <typename Archive>
void fields(Archive& archive, Is<SyscallRules> auto& rules) {
    auto& [otherwise, list] = rules;
    archive("otherwise", otherwise);
    archive("rules", list);
}

template <typename Archive>
void fields(Archive& archive, Is<SyscallFilterSpec> auto& filter) {
    auto& [enabled, allow, deny, suppress_sync, address_families, strict, rules] = filter;
    archive("enabled", enabled);
    archive("allow", allow);
    archive("deny", deny);
    archive("suppress-sync", suppress_sync);
    archive("address-families", address_families);
    archive("strict", strict);
    archive("rules", rules);
}

template <typename Archive>
void fields(Archive& archive, Is<LimitSpec> auto& limit) {
    auto& [resource, soft, hard] = limit;
    archive("resource", Resource{resource});
    archive("soft", LimitValue{soft});
    archive("hard", LimitValue{hard});
}

template <typename Archive>
void fields(Archive& archive, Is<SchedulerSpec> auto& scheduler) {
    auto& [policy, flags, nice, priority, runtime, deadline, period] = scheduler;
    archive("policy", policy);
    archive("flags", flags);
    archive("nice", nice);
    archive("priority", priority);
    archive("runtime", runtime);
    archive("deadline", deadline);
    archive("period", period);
}

template <typename Archive>
void fields(Archive& archive, Is<IoPrioritySpec> auto& io_priority) {
    auto& [kind, level] = io_priority;
    archive("kind", kind);
    archive("level", level);
}

template <typename Archive>
void fields(Archive& archive, Is<MemoryPolicySpec> auto& memory_policy) {
    auto& [mode, flags, nodes] = memory_policy;
    archive("mode", mode);
    archive("flags", flags);
    archive("nodes", nodes);
}

template <typename Archive>
void fields(Archive& archive, Is<ClockOffset> auto& offset) {
    auto& [seconds, nanoseconds] = offset;
    archive("seconds", seconds);
    archive("nanoseconds", nanoseconds);
}

template <typename Archive>
void fields(Archive& archive, Is<ClockSpec> auto& clocks) {
    auto& [monotonic, boot_time] = clocks;
    archive("monotonic", monotonic);
    archive("boot-time", boot_time);
}

template <typename Archive>
void fields(Archive& archive, Is<ResourceSpec> auto& resources) {
    auto& [limits, oom_score_adjust, cpu_affinity, group_limits, scheduler, io_priority, memory_policy] = resources;
    archive("limits", limits);
    archive("oom-score-adjust", oom_score_adjust);
    archive("cpu-affinity", cpu_affinity);
    archive("group-limits", group_limits);
    archive("scheduler", scheduler);
    archive("io-priority", io_priority);
    archive("memory-policy", memory_policy);
}

template <typename Archive>
void fields(Archive& archive, Is<JournalForwarding> auto& forwarding) {
    auto& [output, max_use, keep_free, max_file_size, max_files] = forwarding;
    archive("output", output);
    archive("max-use", max_use);
    archive("keep-free", keep_free);
    archive("max-file-size", max_file_size);
    archive("max-files", max_files);
}

template <typename Archive>
void fields(Archive& archive, Is<IntegrationSpec> auto& integration) {
    auto& [resolv_conf, timezone, timezone_name, link_journal, link_journal_may_fail, forwarded_journal] = integration;
    archive("resolv-conf", resolv_conf);
    archive("timezone", timezone);
    archive("timezone-name", timezone_name);
    archive("link-journal", link_journal);
    archive("link-journal-may-fail", link_journal_may_fail);
    archive("forwarded-journal", forwarded_journal);
}

template <typename Archive>
void fields(Archive& archive, Is<Credential> auto& credential) {
    auto& [name, value] = credential;
    archive("name", name);
    archive("value", value);
}

template <typename Archive>
void fields(Archive& archive, Is<SharedNamespaces> auto& shared) {
    auto& [ipc, pid, uts] = shared;
    archive("ipc", ipc);
    archive("pid", pid);
    archive("uts", uts);
}

template <typename Archive>
void fields(Archive& archive, Is<SelinuxSpec> auto& selinux) {
    auto& [payload, api_filesystems] = selinux;
    archive("payload", payload);
    archive("api-filesystems", api_filesystems);
}

template <typename Archive>
void fields(Archive& archive, Is<MachineSpec> auto& spec) {
    auto& [manner, name, hostname, domainname, sysctls, id, service, root, users, network, nesting, extra_mounts,
           bound_users, devices, tmpfs_on_tmp, api_writable, cgroup_namespace, shared, clocks, payload, capabilities,
           syscall_filter, no_new_privileges, selinux, resources, personality, kill_signal, notify_ready, integration,
           credentials, console, background, adjust_terminal_title, quiet, registered, registration_may_fail, keep_unit,
           slice, unit_properties, lock_image] = spec;
    archive("manner", manner);
    archive("name", name);
    archive("hostname", hostname);
    archive("domainname", domainname);
    archive("sysctls", sysctls);
    archive("id", id);
    archive("service", service);
    archive("root", root);
    archive("users", users);
    archive("network", network);
    archive("nesting", nesting);
    archive("extra-mounts", extra_mounts);
    archive("bound-users", bound_users);
    archive("devices", devices);
    archive("tmpfs-on-tmp", tmpfs_on_tmp);
    archive("api-writable", api_writable);
    archive("cgroup-namespace", cgroup_namespace);
    archive("shared-namespaces", shared);
    archive("clocks", clocks);
    archive("payload", payload);
    archive("capabilities", capabilities);
    archive("syscall-filter", syscall_filter);
    archive("no-new-privileges", no_new_privileges);
    archive("selinux", selinux);
    archive("resources", resources);
    archive("personality", personality);
    archive("kill-signal", Signal{kill_signal});
    archive("notify-ready", notify_ready);
    archive("integration", integration);
    archive("credentials", credentials);
    archive("console", console);
    archive("background", background);
    archive("adjust-terminal-title", adjust_terminal_title);
    archive("quiet", quiet);
    archive("registered", registered);
    archive("registration-may-fail", registration_may_fail);
    archive("keep-unit", keep_unit);
    archive("slice", slice);
    archive("unit-properties", unit_properties);
    archive("lock-image", lock_image);
}

} // namespace machinist::spec_fields
