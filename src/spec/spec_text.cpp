// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/spec_text.hpp"

#include "base/signal_names.hpp"
#include "base/text.hpp"
#include "spec/address_families.hpp"
#include "spec/capability_names.hpp"
#include "spec/mount_text.hpp"
#include "spec/network_plan.hpp"
#include "spec/resource_limits.hpp"

#include <algorithm>

namespace machinist {

namespace {

class Lines {
public:
    // A line is left out if there is nothing to tell.
    void add(std::string_view name, std::string_view value) {
        if (value.empty())
            return;
        constexpr std::size_t column = 20;
        const std::size_t length = std::min(name.size(), column - 2);
        text_.append(column - 2 - length, ' ').append(name).append(": ").append(escaped_for_people(value)).append("\n");
    }
    void add_if(bool holds, std::string_view name, std::string_view value) {
        if (holds)
            add(name, value);
    }
    std::string take() {
        return std::move(text_);
    }

private:
    std::string text_;
};

// Words that hold blanks or quotes are quoted, so that where one ends is seen.
std::string command_text(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        const bool plain = !word.empty() && word.find_first_of(" \t\n'\"") == std::string::npos;
        text.append(text.empty() ? "" : " ").append(plain ? word : "'" + word + "'");
    }
    return text;
}

std::string root_text(const RootSpec& root) {
    std::string text = root.directory.native();
    for (const DiskMount& mount : root.disk ? root.disk->mounts : std::vector<DiskMount>{})
        text += ", " + mount.name + " (" + mount.filesystem + ") on " + mount.places.front().native();
    if (root.make_from)
        text += ", made from " + root.make_from->native() + " if missing";
    if (root.layer != LayerKind::none)
        text += ", below a throw-away layer (" + std::string{name_of(layer_kind_names, root.layer)} + ")";
    if (root.volatile_mode != VolatileMode::no)
        text += ", volatile (" + std::string{name_of(volatile_mode_names, root.volatile_mode)} + ")";
    else if (root.read_only)
        text += ", read-only";
    if (root.pivot_new)
        text += ", pivoted to " + root.pivot_new->native();
    if (root.pivot_old)
        text += ", the old root at " + root.pivot_old->native();
    return text;
}

std::string users_text(const UserSpec& users) {
    std::string text;
    switch (users.kind) {
    case UserNamespaceKind::none: return "the host's";
    case UserNamespaceKind::pick: text = "a range of their own, picked at the start"; break;
    case UserNamespaceKind::managed: text = "a range of their own, for this start only"; break;
    case UserNamespaceKind::of_root: text = "the range that owns the tree"; break;
    case UserNamespaceKind::fixed:
        text = std::to_string(users.base) + " to " + std::to_string(std::uint64_t{users.base} + users.size - 1);
        break;
    }
    text += ", ownership " + std::string{name_of(ownership_names, users.ownership)};
    if (users.owner)
        text += ", the machine of user " + std::to_string(users.owner->uid);
    if (users.nested_ranges > 0)
        text += ", and " + std::to_string(users.nested_ranges) + " ranges for machines inside";
    return text;
}

std::string network_text(const NetworkSpec& network, const NetworkPlan& plan) {
    if (network.namespace_path)
        return "namespace " + network.namespace_path->native();
    if (!network.is_private)
        return "the host's";
    return plan.links.empty() ? "private, loopback only" : "private";
}

std::string payload_text(const PayloadSpec& payload) {
    const std::string command = command_text(payload.arguments);
    switch (payload.mode) {
    case StartMode::boot: return command.empty() ? "init" : "init with " + command;
    case StartMode::as_pid2: return (command.empty() ? "a login shell" : command) + " below a minimal init";
    case StartMode::as_pid1: return command;
    case StartMode::shell: break;
    }
    return "a login shell";
}

std::string filter_text(const SyscallFilterSpec& filter) {
    if (!filter.enabled)
        return "none";
    std::string text = filter.strict ? "strict allow list" : "allow list";
    if (!filter.allow.empty())
        text += ", also " + joined(filter.allow, " ");
    if (!filter.deny.empty())
        text += ", but not " + joined(filter.deny, " ");
    if (filter.suppress_sync)
        text += ", sync calls do nothing";
    if (filter.rules)
        text += ", with " + std::to_string(filter.rules->rules.size()) + " rules beside it";
    return text;
}

std::string families_text(const SyscallFilterSpec& filter) {
    if (!filter.address_families)
        return "";
    std::string list;
    for (const int family : filter.address_families->families)
        list.append(list.empty() ? "" : " ").append(address_family_name(family));
    if (list.empty())
        list = "none";
    return (filter.address_families->allow_listed ? "only " : "all but ") + list;
}

std::string cpus_text(const std::vector<int>& cpus) {
    std::string list;
    for (const int cpu : cpus)
        list.append(list.empty() ? "" : " ").append(std::to_string(cpu));
    return list;
}

void add_resources(Lines& lines, const ResourceSpec& resources) {
    std::string limits;
    for (const LimitSpec& limit : resources.limits)
        if (limit.soft != RLIM_INFINITY || limit.hard != RLIM_INFINITY)
            limits.append(limits.empty() ? "" : " ").append(limit_text(limit));
    lines.add("limits", limits);
    lines.add_if(resources.oom_score_adjust.has_value(), "OOM score",
                 std::to_string(resources.oom_score_adjust.value_or(0)));
    lines.add("processors", cpus_text(resources.cpu_affinity));
    lines.add("group limits", joined(resources.group_limits, " "));
    if (resources.scheduler)
        lines.add("scheduled by", "policy " + std::to_string(resources.scheduler->policy) + ", nice " +
                                      std::to_string(resources.scheduler->nice) + ", priority " +
                                      std::to_string(resources.scheduler->priority));
    if (resources.io_priority)
        lines.add("priority of I/O", "class " + std::to_string(resources.io_priority->kind) + ", level " +
                                         std::to_string(resources.io_priority->level));
    if (resources.memory_policy)
        lines.add("memory policy", std::to_string(resources.memory_policy->mode) + " of nodes " +
                                       cpus_text(resources.memory_policy->nodes));
}

std::string clock_text(const ClockOffset& offset) {
    return std::to_string(offset.seconds) + " s " + std::to_string(offset.nanoseconds) + " ns";
}

std::string forwarding_text(const JournalForwarding& forwarding) {
    std::string text = escaped_for_people(forwarding.output.string());
    const auto add = [&](const char* name, std::optional<std::uint64_t> limit) {
        if (limit)
            text.append(" ").append(name).append("=").append(std::to_string(*limit));
    };
    add("max-use", forwarding.max_use);
    add("keep-free", forwarding.keep_free);
    add("max-file-size", forwarding.max_file_size);
    add("max-files", forwarding.max_files);
    return text;
}

void add_integration(Lines& lines, const IntegrationSpec& integration) {
    lines.add("resolv.conf", name_of(resolv_conf_mode_names, integration.resolv_conf));
    std::string timezone{name_of(timezone_mode_names, integration.timezone)};
    if (integration.timezone == TimezoneMode::symlink)
        timezone += " to " + integration.timezone_name;
    lines.add("time zone", timezone);
    lines.add_if(integration.link_journal != LinkJournalMode::no, "journal in",
                 name_of(link_journal_mode_names, integration.link_journal));
    if (integration.forwarded_journal)
        lines.add("journal sent to", forwarding_text(*integration.forwarded_journal));
}

template <typename Address>
std::string addresses_text(const std::vector<Address>& addresses) {
    std::string list;
    for (const Address& address : addresses)
        list.append(list.empty() ? "" : " ").append(address.text());
    return list;
}

void add_network(Lines& lines, const MachineSpec& spec) {
    const NetworkPlan plan = plan_network(spec.network, spec.name);
    lines.add("network", network_text(spec.network, plan));
    for (const PlannedLink& link : plan.links)
        lines.add("link", describe(link));
    lines.add("address", addresses_text(spec.network.addresses));
    lines.add("gateway", addresses_text(spec.network.gateways));
    lines.add("name server", addresses_text(spec.network.name_servers));
    for (const PortForward& port : spec.network.ports)
        lines.add("port", describe(port));
}

void add_namespaces(Lines& lines, const MachineSpec& spec) {
    lines.add("users", users_text(spec.users));
    add_network(lines, spec);
    std::string shared;
    for (const auto& [holds, name] :
         {std::pair{spec.shared.ipc, "ipc"}, {spec.shared.pid, "pid"}, {spec.shared.uts, "uts"}})
        if (holds)
            shared.append(shared.empty() ? "" : " ").append(name);
    lines.add("shared with host", shared);
    if (spec.clocks)
        lines.add("clocks", "monotonic and " + clock_text(spec.clocks->monotonic) + ", since boot and " +
                                clock_text(spec.clocks->boot_time));
    lines.add_if(spec.nesting, "nesting", "machines and containers can run inside");
    lines.add_if(!spec.cgroup_namespace, "cgroups", "the host's namespace");
    lines.add_if(spec.api_writable != ApiWritable::no, "writable API", name_of(api_writable_names, spec.api_writable));
}

} // namespace

std::string text_of(const MachineSpec& spec) {
    Lines lines;
    lines.add("machine", spec.name.text());
    lines.add_if(spec.hostname != spec.name.text(), "host name", spec.hostname);
    lines.add("domain name", spec.domainname);
    lines.add("id", spec.id.plain());
    lines.add("root", root_text(spec.root));
    lines.add("runs", payload_text(spec.payload));
    lines.add("as user", spec.payload.user.value_or(""));
    lines.add("in directory", spec.payload.working_directory.value_or("").native());
    for (const std::string& variable : spec.payload.environment)
        lines.add("environment", variable);
    lines.add("console", name_of(console_mode_names, spec.console));
    add_namespaces(lines, spec);
    for (const ExtraMount& mount : spec.extra_mounts)
        lines.add("mount", option_text(mount));
    for (const BoundUser& user : spec.bound_users)
        lines.add("user of the host", user.name + " as " + std::to_string(user.id));
    for (const DeviceSpec& device : spec.devices)
        lines.add("device", device.path.native() + " " + device.access +
                                (device.source.empty() ? "" : " of " + device.source.native()));
    for (const std::string& setting : spec.sysctls)
        lines.add("kernel setting", setting);
    lines.add("capabilities", capability_list(spec.capabilities.bounding));
    lines.add_if(spec.capabilities.ambient != 0, "ambient", capability_list(spec.capabilities.ambient));
    lines.add("system calls", filter_text(spec.syscall_filter));
    lines.add("address families", families_text(spec.syscall_filter));
    lines.add_if(spec.no_new_privileges, "privileges", "no program may gain any");
    lines.add("SELinux label", spec.selinux.payload);
    lines.add("SELinux label of API filesystems", spec.selinux.api_filesystems);
    add_resources(lines, spec.resources);
    lines.add("personality", spec.personality);
    lines.add_if(spec.kill_signal.has_value(), "ends by", signal_name(spec.kill_signal.value_or(0)));
    lines.add_if(spec.notify_ready, "ready", "when the machine says so");
    add_integration(lines, spec.integration);
    for (const Credential& credential : spec.credentials)
        lines.add("credential", credential.name + " (" + std::to_string(credential.value.size()) + " bytes)");
    lines.add_if(!spec.registered, "listed", "no");
    lines.add_if(spec.keep_unit, "unit", "stays in that of the caller");
    lines.add_if(!spec.keep_unit && spec.slice != "machine.slice", "slice", spec.slice);
    for (const std::string& property : spec.unit_properties)
        lines.add("unit property", property);
    return lines.take();
}

} // namespace machinist
