// SPDX-License-Identifier: LGPL-2.1-or-later
// What the administrator wrote, in a .nspawn file or as options: nothing is decided, "not written" is a value.
// Each member is one group: whoever wins on a group takes it whole (option_table.hpp says which option writes which).
#pragma once

#include "spec/cdi_name.hpp"
#include "spec/image_policy.hpp"
#include "spec/machine_spec.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace machinist {

// "auto" is nothing: it is for resolving to choose.
template <typename Enum>
struct OrAutomatic {
    std::optional<Enum> chosen;
    friend bool operator==(const OrAutomatic&, const OrAutomatic&) = default;
};

struct StartSettings {
    std::optional<bool> boot;
    std::optional<bool> as_pid2;
    std::vector<std::string> parameters; // the command, or the arguments of init
    [[nodiscard]] bool has_mode() const {
        return boot || as_pid2;
    }
};

// Masks of capability bits.
struct CapabilitySettings {
    std::uint64_t add = 0;
    std::uint64_t drop = 0;
    std::uint64_t ambient = 0;
};

struct UserNamespaceSettings {
    std::optional<UserNamespaceKind> kind;
    std::uint32_t base = 0; // with fixed
    std::uint32_t size = 65536;
    std::optional<Ownership> ownership;
    std::optional<std::uint32_t> owner; // uid of whom the machine is started for
    std::uint32_t delegated = 0;        // ranges beside its own
};

struct NetworkSettings {
    std::optional<bool> is_private;
    std::optional<Path> namespace_path;
    std::optional<bool> veth;
    std::optional<std::string> bridge;
    std::optional<std::string> zone;
    std::vector<LinkPair> interfaces;
    bool interfaces_as_they_were = false;
    std::vector<LinkPair> extra_veths;
    std::vector<LinkPair> macvlans;
    std::vector<LinkPair> ipvlans;
};

// Of the machine's main link, wherever that comes from.
struct AddressSettings {
    std::vector<IpPrefix> addresses;
    std::vector<IpAddress> gateways;
    std::vector<IpAddress> name_servers;
};

struct PivotRootSettings {
    Path new_root;
    std::optional<Path> old_root;
};

struct SyscallSettings {
    std::vector<std::string> allow; // names and @groups
    std::vector<std::string> deny;
    std::optional<SyscallRules> rules;
};

struct LinkJournalSettings {
    LinkJournalMode mode = LinkJournalMode::automatic;
    bool may_fail = true;
};

enum class ConsoleSetting { interactive, read_only, passive, pipe, autopipe };
inline constexpr EnumNames<ConsoleSetting, 5> console_setting_names{{{ConsoleSetting::interactive, "interactive"},
                                                                     {ConsoleSetting::read_only, "read-only"},
                                                                     {ConsoleSetting::passive, "passive"},
                                                                     {ConsoleSetting::pipe, "pipe"},
                                                                     {ConsoleSetting::autopipe, "autopipe"}}};

// Either the value itself, or where its bytes lie: reading them is left to whoever may do so (resolve.hpp).
struct CredentialSetting {
    std::string name;
    std::optional<std::string> value;
    std::string load_from; // with a slash: a path; without: a name in $CREDENTIALS_DIRECTORY
};

struct LimitSetting {
    rlim_t soft = RLIM_INFINITY;
    rlim_t hard = RLIM_INFINITY;
    friend bool operator==(const LimitSetting&, const LimitSetting&) = default;
};

// What only an OCI bundle says.
struct BundleSettings {
    std::string domainname;
    std::vector<std::string> sysctls; // "NAME=VALUE"
    std::vector<std::uint32_t> groups;
    std::optional<std::uint32_t> umask;
    SharedNamespaces shared;
    bool cgroup_namespace = true;
    std::vector<std::string> unit_properties; // before those of the command line
    std::optional<SchedulerSpec> scheduler;
    std::optional<IoPrioritySpec> io_priority;
    std::optional<MemoryPolicySpec> memory_policy;
    std::optional<ClockSpec> clocks;
};

enum class LayerChoice { automatic, tmpfs, disk, snapshot, reflink, copy };
inline constexpr EnumNames<LayerChoice, 6> layer_choice_names{{{LayerChoice::automatic, "auto"},
                                                               {LayerChoice::tmpfs, "tmpfs"},
                                                               {LayerChoice::disk, "disk"},
                                                               {LayerChoice::snapshot, "snapshot"},
                                                               {LayerChoice::reflink, "reflink"},
                                                               {LayerChoice::copy, "copy"}}};

enum class Registration { automatic, yes, no };

// By its path, or by what others wrote of it.
using DeviceSetting = std::variant<DeviceSpec, CdiName>;

struct BoundUserSettings {
    std::vector<std::string> users;
    std::vector<std::string> groups; // of all of them
};

struct RootHashSignature {
    std::string bytes; // PKCS#7
    Path file;         // where they are, if not given; as written
};

// What of the host is run. Options say it in the request; a file can only say it of a name.
struct ImageSettings {
    std::optional<Path> directory;
    std::optional<Path> image;
    std::optional<Path> stack;
    std::optional<Path> make_from;
};

struct AddressFamilySettings {
    // Nothing: written as empty, which asks for no restriction.
    std::optional<SyscallFilterSpec::AddressFamilies> restriction;
};

struct Settings {
    std::optional<StartSettings> start;
    std::optional<std::vector<std::string>> environment; // "NAME=VALUE", or "NAME": the caller's value
    std::optional<std::string> user;
    std::optional<Path> working_directory;
    std::optional<PivotRootSettings> pivot_root;
    std::optional<CapabilitySettings> capabilities;
    std::optional<bool> no_new_privileges;
    std::optional<std::string> selinux_context;
    std::optional<std::string> selinux_api_context;
    std::optional<int> kill_signal;
    std::optional<std::string> personality;
    std::optional<MachineId> machine_id;
    std::optional<UserNamespaceSettings> users;
    std::optional<bool> notify_ready;
    std::optional<bool> nesting;
    std::optional<SyscallSettings> syscalls;
    std::optional<AddressFamilySettings> address_families;
    std::array<std::optional<LimitSetting>, RLIM_NLIMITS> limits; // each a group of its own; index is RLIMIT_*
    std::optional<int> oom_score_adjust;
    std::optional<std::vector<int>> cpu_affinity;
    std::optional<std::string> hostname;
    std::optional<OrAutomatic<ResolvConfMode>> resolv_conf;
    std::optional<OrAutomatic<TimezoneMode>> timezone;
    std::optional<LinkJournalSettings> link_journal;
    std::optional<Path> forward_journal; // as written
    std::optional<std::uint64_t> forward_journal_max_use;
    std::optional<std::uint64_t> forward_journal_keep_free;
    std::optional<std::uint64_t> forward_journal_max_file_size;
    std::optional<std::uint64_t> forward_journal_max_files;
    std::optional<bool> suppress_sync;
    std::optional<bool> ephemeral;
    std::optional<bool> read_only;
    std::optional<VolatileMode> volatile_mode;
    std::optional<std::vector<ExtraMount>> extra_mounts;
    std::optional<BoundUserSettings> bound_users;
    std::optional<std::string> bound_user_shell; // "": the machine's default, "yes": the host's, or a path
    std::optional<std::vector<DeviceSetting>> devices;
    std::optional<NetworkSettings> network;
    std::optional<AddressSettings> addresses;
    std::optional<std::vector<PortForward>> ports;
    std::optional<ConsoleSetting> console;
    std::optional<std::string> background;
    std::optional<std::vector<CredentialSetting>> credentials;
    std::optional<ImageSettings> image;
    std::optional<LayerChoice> layer;
    std::optional<ImagePolicy> image_policy;
    std::optional<std::string> root_hash; // hexadecimal, lower case
    std::optional<RootHashSignature> root_hash_signature;
    std::optional<Path> verity_data;
    std::optional<std::string> slice;                        // with its ending
    std::optional<std::vector<std::string>> unit_properties; // "NAME=VALUE", of the scope
    std::optional<Registration> registration;
    std::optional<bool> keep_unit;
    std::optional<std::vector<std::string>> group_limits; // "NAME=VALUE", later ones win
    // No key of a settings file writes this.
    std::optional<BundleSettings> bundle;
};

// Every group but the limits, in the order of the members.
inline auto groups_of(Settings& s) {
    return std::tie(
        s.start, s.environment, s.user, s.working_directory, s.pivot_root, s.capabilities, s.no_new_privileges,
        s.selinux_context, s.selinux_api_context, s.kill_signal, s.personality, s.machine_id, s.users, s.notify_ready,
        s.nesting, s.syscalls, s.address_families, s.oom_score_adjust, s.cpu_affinity, s.hostname, s.resolv_conf,
        s.timezone, s.link_journal, s.forward_journal, s.forward_journal_max_use, s.forward_journal_keep_free,
        s.forward_journal_max_file_size, s.forward_journal_max_files, s.suppress_sync, s.ephemeral, s.read_only,
        s.volatile_mode, s.extra_mounts, s.bound_users, s.bound_user_shell, s.devices, s.network, s.addresses, s.ports,
        s.console, s.background, s.credentials, s.image, s.layer, s.image_policy, s.root_hash, s.root_hash_signature,
        s.verity_data, s.slice, s.unit_properties, s.registration, s.keep_unit, s.group_limits, s.bundle);
}

std::vector<CdiName> cdi_names(const Settings& settings);

// What winner wrote, and of the other only the groups that winner left alone.
Settings merged(Settings winner, Settings other);

} // namespace machinist
