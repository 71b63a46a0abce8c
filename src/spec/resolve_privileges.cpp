// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving what the payload may do and use up: capabilities, system calls, limits.
#include "spec/resolving.hpp"

#include "base/text.hpp"
#include "spec/capability_names.hpp"
#include "spec/resource_limits.hpp"
#include "spec/syscall_filter.hpp"

#include <linux/capability.h>

namespace machinist::resolving {

void capabilities(Resolving& r) {
    const CapabilitySettings written = r.settings.capabilities.value_or(CapabilitySettings{});
    CapabilityMask bounding = r.nspawn_manner() ? nspawn_capabilities : machinist_capabilities;
    if (r.spec.network.is_private)
        bounding |= capability_bit(CAP_NET_ADMIN);
    else if (r.spec.users.kind != UserNamespaceKind::none)
        bounding &= ~capability_bit(CAP_NET_BIND_SERVICE); // counts for nothing on the host's network
    bounding = (bounding | written.add) & ~written.drop;

    const CapabilityMask missing = bounding & ~r.host.bounding_capabilities;
    bounding &= r.host.bounding_capabilities;
    // Of "all" only the caller's own were meant.
    if (const CapabilityMask refused = missing & written.add; refused != 0 && written.add != all_capabilities)
        r.warn("--capability", "--capability: " + capability_list(refused) + " cannot be kept, the caller has none");

    if (written.ambient != 0 && r.boots())
        r.problem("--ambient-capability", "--ambient-capability and --boot exclude each other",
                  "leaving one of them out");
    if (const CapabilityMask outside = written.ambient & ~bounding; outside != 0)
        r.problem("--ambient-capability",
                  "--ambient-capability: " + capability_list(outside) + " is not among the capabilities kept",
                  "--capability with it");
    r.spec.capabilities = {bounding, written.ambient};
    r.spec.no_new_privileges = r.settings.no_new_privileges.value_or(false);
}

void selinux(Resolving& r) {
    const auto take = [&](const char* option, const std::optional<std::string>& written, std::string& label) {
        if (written && !r.host.has_selinux)
            r.problem(FailureKind::not_supported, option,
                      std::string{option} + ": this host's kernel runs without SELinux", "leaving it out");
        label = written.value_or("");
    };
    take("--selinux-context", r.settings.selinux_context, r.spec.selinux.payload);
    take("--selinux-apifs-context", r.settings.selinux_api_context, r.spec.selinux.api_filesystems);
}

namespace {

// A call that cannot be allowed is missed by somebody; one that should be denied and is not would be a hole.
void check_syscall_names(Resolving& r, const SyscallSettings& written) {
    constexpr const char* option = "--system-call-filter";
    const auto sentence = [&](const std::vector<std::string>& names) {
        return std::string{option} + ": '" + joined(names, " ") + "' is the name of no system call known here";
    };
    if (const auto unknown = unknown_syscalls(written.allow); !unknown.empty())
        r.warn(option, sentence(unknown));
    if (const auto unknown = unknown_syscalls(written.deny); !unknown.empty()) {
        if (r.nspawn_manner())
            r.warn(option, sentence(unknown));
        else
            r.problem(option, sentence(unknown));
    }
}

} // namespace

void syscall_filter(Resolving& r) {
    SyscallFilterSpec& filter = r.spec.syscall_filter;
    filter.enabled = r.environment_flag("SYSTEMD_SECCOMP", true);
    filter.strict = !r.nspawn_manner();
    if (r.settings.syscalls) {
        filter.allow = r.settings.syscalls->allow;
        filter.deny = r.settings.syscalls->deny;
        filter.rules = r.settings.syscalls->rules;
        check_syscall_names(r, *r.settings.syscalls);
    }
    if (r.settings.address_families)
        filter.address_families = r.settings.address_families->restriction;
    const bool suppress = r.environment_flag("SYSTEMD_SUPPRESS_SYNC", false);
    filter.suppress_sync = r.settings.suppress_sync.value_or(suppress);
}

void resources(Resolving& r) {
    ResourceSpec& resources = r.spec.resources;
    resources.limits = default_limits(r.host);
    for (std::size_t resource = 0; resource < r.settings.limits.size(); ++resource) {
        const auto& written = r.settings.limits[resource];
        if (!written)
            continue;
        std::erase_if(resources.limits, [&](const LimitSpec& l) { return l.resource == static_cast<int>(resource); });
        resources.limits.push_back({static_cast<int>(resource), written->soft, written->hard});
    }
    resources.group_limits = r.settings.group_limits.value_or(std::vector<std::string>{});
    resources.oom_score_adjust = r.settings.oom_score_adjust;
    if (r.settings.cpu_affinity) {
        resources.cpu_affinity = *r.settings.cpu_affinity;
        if (!resources.cpu_affinity.empty() && resources.cpu_affinity.front() >= r.host.cpu_count)
            r.problem("--cpu-affinity",
                      "--cpu-affinity: the host has no processor " + std::to_string(resources.cpu_affinity.front()),
                      "numbers from 0 to " + std::to_string(r.host.cpu_count - 1));
    }
    if (r.settings.bundle) {
        resources.scheduler = r.settings.bundle->scheduler;
        resources.io_priority = r.settings.bundle->io_priority;
        resources.memory_policy = r.settings.bundle->memory_policy;
    }
    r.spec.personality = r.settings.personality.value_or("");
    if (!r.settings.personality && r.image.architecture == "x86")
        r.spec.personality = "x86";
    // The C library of 32-bit x86 knows no other way to a socket, and a filter cannot see the family in it.
    if (r.spec.personality == "x86")
        r.spec.syscall_filter.allow.emplace_back("socketcall");
}

} // namespace machinist::resolving
