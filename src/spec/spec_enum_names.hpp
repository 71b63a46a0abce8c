// SPDX-License-Identifier: LGPL-2.1-or-later
// Which table holds the written names of which enumeration of a spec.
#pragma once

#include "spec/machine_spec.hpp"

namespace machinist {

inline constexpr EnumNames<Manner, 2> manner_names{{{Manner::machinist, "machinist"}, {Manner::nspawn, "nspawn"}}};

constexpr const auto& names_of(Manner) {
    return manner_names;
}
constexpr const auto& names_of(VolatileMode) {
    return volatile_mode_names;
}
constexpr const auto& names_of(LayerKind) {
    return layer_kind_names;
}
constexpr const auto& names_of(DiskProtection) {
    return disk_protection_names;
}
constexpr const auto& names_of(UserNamespaceKind) {
    return user_namespace_kind_names;
}
constexpr const auto& names_of(Ownership) {
    return ownership_names;
}
constexpr const auto& names_of(PortProtocol) {
    return port_protocol_names;
}
constexpr const auto& names_of(IdMapping) {
    return id_mapping_names;
}
constexpr const auto& names_of(ExtraMountKind) {
    return extra_mount_kind_names;
}
constexpr const auto& names_of(StartMode) {
    return start_mode_names;
}
constexpr const auto& names_of(ResolvConfMode) {
    return resolv_conf_mode_names;
}
constexpr const auto& names_of(TimezoneMode) {
    return timezone_mode_names;
}
constexpr const auto& names_of(LinkJournalMode) {
    return link_journal_mode_names;
}
constexpr const auto& names_of(ConsoleMode) {
    return console_mode_names;
}
constexpr const auto& names_of(SyscallAction) {
    return syscall_action_names;
}
constexpr const auto& names_of(Comparison) {
    return comparison_names;
}
constexpr const auto& names_of(ApiWritable) {
    return api_writable_names;
}

} // namespace machinist
