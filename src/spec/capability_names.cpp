// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/capability_names.hpp"

#include "base/text.hpp"

#include <array>
#include <bit>
#include <linux/capability.h>

namespace machinist {

namespace {

// The index is the bit. The kernel's header may be older than the kernel, so it is not asked.
constexpr std::array<std::string_view, capability_count> names{"CHOWN",
                                                               "DAC_OVERRIDE",
                                                               "DAC_READ_SEARCH",
                                                               "FOWNER",
                                                               "FSETID",
                                                               "KILL",
                                                               "SETGID",
                                                               "SETUID",
                                                               "SETPCAP",
                                                               "LINUX_IMMUTABLE",
                                                               "NET_BIND_SERVICE",
                                                               "NET_BROADCAST",
                                                               "NET_ADMIN",
                                                               "NET_RAW",
                                                               "IPC_LOCK",
                                                               "IPC_OWNER",
                                                               "SYS_MODULE",
                                                               "SYS_RAWIO",
                                                               "SYS_CHROOT",
                                                               "SYS_PTRACE",
                                                               "SYS_PACCT",
                                                               "SYS_ADMIN",
                                                               "SYS_BOOT",
                                                               "SYS_NICE",
                                                               "SYS_RESOURCE",
                                                               "SYS_TIME",
                                                               "SYS_TTY_CONFIG",
                                                               "MKNOD",
                                                               "LEASE",
                                                               "AUDIT_WRITE",
                                                               "AUDIT_CONTROL",
                                                               "SETFCAP",
                                                               "MAC_OVERRIDE",
                                                               "MAC_ADMIN",
                                                               "SYSLOG",
                                                               "WAKE_ALARM",
                                                               "BLOCK_SUSPEND",
                                                               "AUDIT_READ",
                                                               "PERFMON",
                                                               "BPF",
                                                               "CHECKPOINT_RESTORE"};

constexpr CapabilityMask mask_of(std::initializer_list<int> capabilities) {
    CapabilityMask mask = 0;
    for (const int capability : capabilities)
        mask |= capability_bit(capability);
    return mask;
}

} // namespace

constexpr CapabilityMask nspawn_capabilities = mask_of(
    {CAP_AUDIT_CONTROL,    CAP_AUDIT_WRITE,   CAP_CHOWN,    CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
     CAP_FSETID,           CAP_IPC_OWNER,     CAP_KILL,     CAP_LEASE,        CAP_LINUX_IMMUTABLE, CAP_MKNOD,
     CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_RAW,  CAP_SETFCAP,      CAP_SETGID,          CAP_SETPCAP,
     CAP_SETUID,           CAP_SYS_ADMIN,     CAP_SYS_BOOT, CAP_SYS_CHROOT,   CAP_SYS_NICE,        CAP_SYS_PTRACE,
     CAP_SYS_RESOURCE,     CAP_SYS_TTY_CONFIG});
static_assert(nspawn_capabilities == 0xfdecafff);

constexpr CapabilityMask machinist_capabilities =
    nspawn_capabilities &
    ~mask_of({CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_MAC_OVERRIDE, CAP_MAC_ADMIN, CAP_AUDIT_CONTROL,
              CAP_SYSLOG, 38 /* PERFMON */, 39 /* BPF */, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND, CAP_LINUX_IMMUTABLE});

std::optional<int> capability_named(std::string_view text) {
    if (const auto number = parse_integer<int>(text))
        return *number >= 0 && *number < capability_count ? number : std::nullopt;
    const std::string lower = lower_case(text);
    std::string_view wanted = lower;
    if (wanted.starts_with("cap_"))
        wanted.remove_prefix(4);
    for (int capability = 0; capability < capability_count; ++capability)
        if (lower_case(names[static_cast<std::size_t>(capability)]) == wanted)
            return capability;
    return std::nullopt;
}

std::string capability_name(int capability) {
    if (capability < 0 || capability >= capability_count)
        return std::to_string(capability);
    return "CAP_" + std::string{names[static_cast<std::size_t>(capability)]};
}

std::optional<CapabilityMask> parse_capabilities(std::string_view text, std::string& unknown) {
    CapabilityMask mask = 0;
    for (const std::string_view word : split_words(text, ", \t\n")) {
        if (word == "all") {
            mask = all_capabilities;
            continue;
        }
        const auto capability = capability_named(word);
        if (!capability) {
            unknown = word;
            return std::nullopt;
        }
        mask |= capability_bit(*capability);
    }
    return mask;
}

std::string capability_list(CapabilityMask mask) {
    if (mask == 0)
        return "none";
    if ((mask & all_capabilities) == all_capabilities)
        return "all";
    std::string list;
    for (int capability = 0; capability < 64; ++capability)
        if (mask & capability_bit(capability))
            list.append(list.empty() ? "" : " ").append(capability_name(capability));
    return list;
}

} // namespace machinist
