// SPDX-License-Identifier: LGPL-2.1-or-later
// What shall run, completely decided. Plain data: no descriptors, no defaults left to choose.
#pragma once

#include "base/enum_names.hpp"
#include "base/machine_id.hpp"
#include "base/machine_name.hpp"
#include "spec/disk_spec.hpp"
#include "spec/network_spec.hpp"
#include "spec/process_attributes.hpp"
#include "spec/syscall_rules.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

namespace machinist {

using Path = std::filesystem::path;

// Whose conventions hold where the two differ (defaults, exit status of a usage error).
enum class Manner { machinist, nspawn };

enum class VolatileMode { no, yes, state, overlay };
inline constexpr EnumNames<VolatileMode, 4> volatile_mode_names{{{VolatileMode::no, "no"},
                                                                 {VolatileMode::yes, "yes"},
                                                                 {VolatileMode::state, "state"},
                                                                 {VolatileMode::overlay, "overlay"}}};

// Where an instance writes when the image itself must stay as it is.
enum class LayerKind {
    none,     // straight into the image
    tmpfs,    // overlay, upper in memory: gone with the mount namespace, whatever happens
    disk,     // overlay, upper in layer_directory
    snapshot, // btrfs snapshot beside the image
    reflink,  // a copy that shares its extents
    copy,     // a full copy
};
inline constexpr EnumNames<LayerKind, 6> layer_kind_names{{{LayerKind::none, "none"},
                                                           {LayerKind::tmpfs, "tmpfs"},
                                                           {LayerKind::disk, "disk"},
                                                           {LayerKind::snapshot, "snapshot"},
                                                           {LayerKind::reflink, "reflink"},
                                                           {LayerKind::copy, "copy"}}};

struct RootSpec {
    Path directory;                    // absolute, on the host; with disk the image, a file or block device
    std::optional<DiskSpec> disk;      // what of a disk image is mounted
    std::optional<Path> make_from;     // --template: directory is made as a copy of this one first
    LayerKind layer = LayerKind::none; // --ephemeral
    VolatileMode volatile_mode = VolatileMode::no;
    bool read_only = false;
    // --pivot-root: this directory of the tree becomes the root ...
    std::optional<Path> pivot_new;
    // ... and the old root is found there, or nowhere.
    std::optional<Path> pivot_old;
};

enum class UserNamespaceKind {
    none,    // the host's ids
    fixed,   // base and size given
    pick,    // a free range, chosen when the machine starts and kept for its name
    of_root, // the range that already owns the tree
    managed, // a free range, for this start only
};
inline constexpr EnumNames<UserNamespaceKind, 5> user_namespace_kind_names{{{UserNamespaceKind::none, "none"},
                                                                            {UserNamespaceKind::fixed, "fixed"},
                                                                            {UserNamespaceKind::pick, "pick"},
                                                                            {UserNamespaceKind::of_root, "of-root"},
                                                                            {UserNamespaceKind::managed, "managed"}}};

enum class Ownership {
    off,      // the tree is used as it is
    map,      // idmapped mount from 0
    foreign,  // idmapped mount from the foreign range (2147352576)
    chown,    // recursive change of owners
    automatic // map or foreign by the owner of the root; chown where the filesystem cannot map
};
inline constexpr EnumNames<Ownership, 5> ownership_names{{{Ownership::off, "off"},
                                                          {Ownership::map, "map"},
                                                          {Ownership::foreign, "foreign"},
                                                          {Ownership::chown, "chown"},
                                                          {Ownership::automatic, "auto"}}};

// A user of the host without rights over machines, and the primary group.
struct PlainUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    friend bool operator==(const PlainUser&, const PlainUser&) = default;
};

struct UserSpec {
    UserNamespaceKind kind = UserNamespaceKind::none;
    std::uint32_t base = 0; // fixed: where 0 of the machine lies on the host
    std::uint32_t size = 65536;
    Ownership ownership = Ownership::off;
    // Ranges for machines inside: as many, one behind the other from first_nested_id. Where they lie on the host is
    // chosen at the start; with nesting one more is, for the owner that marks trees inside whose owners change.
    std::uint32_t nested_ranges = 0;
    std::vector<std::uint32_t> nested_bases;
    // Whose machine it is, if it was started for somebody else than root: the tree must be theirs, and their files are
    // the machine's root's.
    std::optional<PlainUser> owner;
};

// Where a manager of machines looks for ranges first, also systemd-nspawn inside.
inline constexpr std::uint32_t first_nested_id = 524288;

enum class IdMapping { none, same, root_owner, destination_owner };
inline constexpr EnumNames<IdMapping, 4> id_mapping_names{{{IdMapping::none, "noidmap"},
                                                           {IdMapping::same, "idmap"},
                                                           {IdMapping::root_owner, "rootidmap"},
                                                           {IdMapping::destination_owner, "owneridmap"}}};

enum class ExtraMountKind { bind, tmpfs, overlay, inaccessible, read_only };
inline constexpr EnumNames<ExtraMountKind, 5> extra_mount_kind_names{{{ExtraMountKind::bind, "bind"},
                                                                      {ExtraMountKind::tmpfs, "tmpfs"},
                                                                      {ExtraMountKind::overlay, "overlay"},
                                                                      {ExtraMountKind::inaccessible, "inaccessible"},
                                                                      {ExtraMountKind::read_only, "read-only"}}};

// A path of the host, of the image ("+/..."), or an empty directory made for this run ("").
struct MountSource {
    Path path;
    bool in_image = false;
    [[nodiscard]] bool is_temporary() const {
        return path.empty();
    }
};

// So many ids on disk, and which ones they are seen as.
struct OwnerRange {
    std::uint32_t on_disk = 0;
    std::uint32_t seen = 0;
    std::uint32_t count = 0;
    friend bool operator==(const OwnerRange&, const OwnerRange&) = default;
};

struct OwnerMap {
    std::vector<OwnerRange> users;
    std::vector<OwnerRange> groups;
    bool seen_by_host = true; // those seen are ids of the host; else of the machine
};

// What the administrator mounts beside what every machine has.
struct ExtraMount {
    ExtraMountKind kind = ExtraMountKind::bind;
    Path destination; // absolute, in the machine
    bool read_only = false;
    // inaccessible, read_only: what is not there needs no protection
    bool may_be_missing = false;
    // bind
    MountSource source;
    bool recursive = true;
    IdMapping id_mapping = IdMapping::none;
    std::optional<OwnerMap> owner_map; // in the place of id_mapping
    std::uint64_t attributes = 0;      // MOUNT_ATTR_* that it gets
    // tmpfs: the options as written ("mode=0755,size=10%")
    std::string tmpfs_options;
    // overlay: lowest first; the upper directory is missing in a read-only one
    std::vector<MountSource> lower;
    std::optional<MountSource> upper;
};

// A user of the host who is one of the machine, too (--bind-user).
struct BoundUser {
    std::string name;
    std::uint32_t id = 0;  // in the machine; its group has the same
    std::string real_name; // may be empty
    Path home;             // of the host; in the machine it is /run/host/home/NAME
    std::string shell;     // empty: what the machine gives by default
    std::string password;  // hashed; empty: none
    std::vector<std::string> ssh_keys;
    std::vector<std::string> groups; // of the machine
};

// A device of the host that is the machine's, too (--device).
struct DeviceSpec {
    Path path;                  // below /dev of the machine
    std::string access = "rwm"; // read, write, make nodes of it
    Path source;                // on the host; empty: the same path
    // Of its node in the machine; nothing: the machine's root, the host's mode.
    std::optional<std::uint32_t> user;
    std::optional<std::uint32_t> group;
    std::optional<std::uint32_t> mode;
    [[nodiscard]] const Path& host_path() const {
        return source.empty() ? path : source;
    }
};

enum class StartMode { boot, as_pid2, as_pid1, shell };
inline constexpr EnumNames<StartMode, 4> start_mode_names{{{StartMode::boot, "boot"},
                                                           {StartMode::as_pid2, "as-pid2"},
                                                           {StartMode::as_pid1, "as-pid1"},
                                                           {StartMode::shell, "shell"}}};

struct PayloadSpec {
    StartMode mode = StartMode::shell;
    // boot: arguments of init without argv[0]; as_pid1/as_pid2: the command; shell: empty
    std::vector<std::string> arguments;
    std::vector<std::string> environment; // "NAME=VALUE", what the caller set; wins over ours
    std::optional<std::string> user;      // name or number, resolved in the machine's own database
    std::vector<std::uint32_t> groups;    // beside those that it has there
    std::optional<std::uint32_t> umask;
    std::optional<Path> working_directory;    // absolute, in the machine
    std::string terminal = "dumb";            // $TERM
    std::vector<std::string> terminal_extras; // COLORTERM=..., NO_COLOR=...
    std::vector<std::string> host_ids;        // container_host_id=..., of the host's os-release
};

// Labels that SELinux gives; empty: as its policy has it.
struct SelinuxSpec {
    std::string payload;         // process 1 and what comes of it
    std::string api_filesystems; // what is made in memory for this start
};

// Bit numbers are those of linux/capability.h.
struct CapabilitySpec {
    std::uint64_t bounding = 0;
    std::uint64_t ambient = 0;
};

struct SyscallFilterSpec {
    bool enabled = true;            // false by SYSTEMD_SECCOMP=0
    std::vector<std::string> allow; // names and @groups, beyond what the profile and capabilities give
    std::vector<std::string> deny;  // wins over allow
    bool suppress_sync = false;
    // --restrict-address-families: nothing = unrestricted
    struct AddressFamilies {
        bool allow_listed = true;
        std::vector<int> families;
    };
    std::optional<AddressFamilies> address_families;
    // The stricter profile of `machinist run`: no io_uring, userfaultfd, keyrings, odd socket families, nested
    // user namespaces, TIOCSTI (rules R8, R9).
    bool strict = false;
    std::optional<SyscallRules> rules; // beside all this
};

struct LimitSpec {
    int resource = 0; // RLIMIT_*
    rlim_t soft = RLIM_INFINITY;
    rlim_t hard = RLIM_INFINITY;
    friend bool operator==(const LimitSpec&, const LimitSpec&) = default;
};

struct ResourceSpec {
    std::vector<LimitSpec> limits; // every limit that is set, defaults included
    std::optional<int> oom_score_adjust;
    std::vector<int> cpu_affinity;         // empty: unchanged
    std::vector<std::string> group_limits; // "MemoryMax=1G": of its control group, later ones win
    std::optional<SchedulerSpec> scheduler;
    std::optional<IoPrioritySpec> io_priority;
    std::optional<MemoryPolicySpec> memory_policy;
};

enum class ResolvConfMode {
    off,
    copy_host,
    copy_static,
    copy_uplink,
    copy_stub,
    replace_host,
    replace_static,
    replace_uplink,
    replace_stub,
    bind_host,
    bind_static,
    bind_uplink,
    bind_stub,
    remove,
    given, // the name servers of the spec's network
};
inline constexpr EnumNames<ResolvConfMode, 15> resolv_conf_mode_names{
    {{ResolvConfMode::off, "off"},
     {ResolvConfMode::copy_host, "copy-host"},
     {ResolvConfMode::copy_static, "copy-static"},
     {ResolvConfMode::copy_uplink, "copy-uplink"},
     {ResolvConfMode::copy_stub, "copy-stub"},
     {ResolvConfMode::replace_host, "replace-host"},
     {ResolvConfMode::replace_static, "replace-static"},
     {ResolvConfMode::replace_uplink, "replace-uplink"},
     {ResolvConfMode::replace_stub, "replace-stub"},
     {ResolvConfMode::bind_host, "bind-host"},
     {ResolvConfMode::bind_static, "bind-static"},
     {ResolvConfMode::bind_uplink, "bind-uplink"},
     {ResolvConfMode::bind_stub, "bind-stub"},
     {ResolvConfMode::remove, "delete"},
     {ResolvConfMode::given, "dns"}}};

enum class TimezoneMode { off, copy, bind, symlink, remove };
inline constexpr EnumNames<TimezoneMode, 5> timezone_mode_names{{{TimezoneMode::off, "off"},
                                                                 {TimezoneMode::copy, "copy"},
                                                                 {TimezoneMode::bind, "bind"},
                                                                 {TimezoneMode::symlink, "symlink"},
                                                                 {TimezoneMode::remove, "delete"}}};

enum class LinkJournalMode { no, host, guest, automatic };
inline constexpr EnumNames<LinkJournalMode, 4> link_journal_mode_names{{{LinkJournalMode::no, "no"},
                                                                        {LinkJournalMode::host, "host"},
                                                                        {LinkJournalMode::guest, "guest"},
                                                                        {LinkJournalMode::automatic, "auto"}}};

// Its lines are written on the host as well, while it runs.
struct JournalForwarding {
    Path output; // absolute; a file if it ends in ".journal", else a directory
    std::optional<std::uint64_t> max_use;
    std::optional<std::uint64_t> keep_free;
    std::optional<std::uint64_t> max_file_size;
    std::optional<std::uint64_t> max_files;
};

// "auto" was resolved to one of these from facts of the host and the image.
struct IntegrationSpec {
    ResolvConfMode resolv_conf = ResolvConfMode::off;
    TimezoneMode timezone = TimezoneMode::off;
    std::string timezone_name; // symlink: "Europe/Berlin"
    LinkJournalMode link_journal = LinkJournalMode::no;
    bool link_journal_may_fail = true; // the try- forms and auto
    std::optional<JournalForwarding> forwarded_journal;
};

// What systemd's journal inside takes the address from, and where the machine finds it.
inline constexpr const char* journal_credential = "journal.forward_to_socket";
inline constexpr const char* journal_socket_inside = "/run/host/journal/socket";

struct Credential {
    std::string name;
    std::string value; // bytes
};

enum class ConsoleMode { interactive, read_only, passive, pipe };
inline constexpr EnumNames<ConsoleMode, 4> console_mode_names{{{ConsoleMode::interactive, "interactive"},
                                                               {ConsoleMode::read_only, "read-only"},
                                                               {ConsoleMode::passive, "passive"},
                                                               {ConsoleMode::pipe, "pipe"}}};

// What of the API filesystems the payload may write (SYSTEMD_NSPAWN_API_VFS_WRITABLE).
enum class ApiWritable { no, network, yes };
inline constexpr EnumNames<ApiWritable, 3> api_writable_names{
    {{ApiWritable::no, "no"}, {ApiWritable::network, "network"}, {ApiWritable::yes, "yes"}}};

// Namespaces kept from the host; never for a booted machine.
struct SharedNamespaces {
    bool ipc = false;
    bool pid = false;
    bool uts = false;
};

struct MachineSpec {
    Manner manner = Manner::machinist;
    MachineName name = *MachineName::parse("machine");
    std::string hostname;
    std::string domainname;           // of NIS; empty: none
    std::vector<std::string> sysctls; // "NAME=VALUE", of namespaces that are its own
    MachineId id;
    std::string service = "systemd-nspawn"; // $container, /run/host/container-manager, SERVICE= of the registry
    RootSpec root;
    UserSpec users;
    NetworkSpec network;
    bool nesting = false;                 // managers of machines and containers work inside
    std::vector<ExtraMount> extra_mounts; // parents before children
    std::vector<BoundUser> bound_users;
    std::vector<DeviceSpec> devices;
    bool tmpfs_on_tmp = true;
    ApiWritable api_writable = ApiWritable::no;
    bool cgroup_namespace = true;
    SharedNamespaces shared;
    std::optional<ClockSpec> clocks; // a time namespace of its own
    PayloadSpec payload;
    CapabilitySpec capabilities;
    SyscallFilterSpec syscall_filter;
    bool no_new_privileges = false;
    SelinuxSpec selinux;
    ResourceSpec resources;
    std::string personality;        // "", "x86" or "x86-64"
    std::optional<int> kill_signal; // to process 1 of the machine for an orderly end
    bool notify_ready = false;
    IntegrationSpec integration;
    std::vector<Credential> credentials;
    ConsoleMode console = ConsoleMode::read_only;
    std::string background; // SGR parameters of the terminal's tint; "" = none
    bool adjust_terminal_title = true;
    bool quiet = false;
    bool registered = true; // listed by its name
    bool registration_may_fail = true;
    bool keep_unit = false; // a reboot ends with status 133 instead of a new start
    // Of the scope that systemd is asked for where there is one; each property is NAME=VALUE.
    std::string slice = "machine.slice";
    std::vector<std::string> unit_properties;
    bool lock_image = true;
};

} // namespace machinist
