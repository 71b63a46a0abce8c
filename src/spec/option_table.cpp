// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/option_table.hpp"

#include "spec/option_parsers.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

namespace parse = option_parsers;
using enum OptionGroup;
using enum OptionArgument;
using enum OptionKind;
using enum Trust;

// The order is that of --help.
constexpr auto rows = std::to_array<Option>({
    // general
    {"help", 'h', none, "", general, shown, "", "", privileged, 0, parse::help, "Show this text"},
    {"version", 0, none, "", general, shown, "", "", privileged, 0, parse::version, "Show the version"},
    {"quiet", 'q', none, "", general, shown, "", "", privileged, 209, parse::quiet, "Say nothing while all goes well"},
    {"dry-run", 0, none, "", general, ours, "", "", privileged, 0, parse::dry_run,
     "Print what would run and how it would be mounted; needs no root"},
    {"json", 0, none, "", general, ours, "", "", privileged, 0, parse::json, "With --dry-run: as JSON"},
    {"settings", 0, required, "BOOL|override|trusted", general, shown, "", "", privileged, 226, parse::settings_use,
     "Whether .nspawn files are read, win over options, are trusted everywhere"},
    {"cleanup", 0, none, "", general, shown, "", "", privileged, 257, parse::cleanup,
     "Remove what is left of the machine, then exit"},
    {"no-pager", 0, none, "", general, shown, "", "", privileged, 0, parse::nothing, "Do not page output"},
    {"no-ask-password", 0, none, "", general, shown, "", "", privileged, 258, parse::no_ask_password,
     "Do not ask for passwords"},
    {"key", 0, required, "KEY=VALUE", general, ours, "", "", privileged, 0, parse::any_key,
     "What a settings file would say by that line"},
    {"system", 0, none, "", general, shown, "", "", privileged, 261, parse::nothing,
     "Be known to the whole host (the default)"},
    {"user", 0, optional, "NAME", general, hidden, "", "", privileged, 261, parse::user_or_scope,
     "A machine of one's own, as without root; with a value, the old spelling of --uid"},
    {"introspect-cli", 0, none, "", general, hidden, "", "", privileged, 262, parse::introspect,
     "Print the table of options as JSON"},

    // image
    {"directory", 'D', required, "PATH", image, shown, "Files", "RootDirectory", privileged, 0, parse::directory,
     "The tree to run (default: the current directory)"},
    {"template", 0, required, "PATH", image, shown, "Files", "Template", privileged, 219, parse::make_from,
     "Make the directory from this one if it does not exist"},
    {"ephemeral", 'x', none, "", image, shown, "Exec", "Ephemeral", privileged, 219, parse::ephemeral,
     "Run on a layer that is thrown away at the end", nullptr, "no"},
    {"layer", 0, required, "KIND", image, ours, "Files", "Layer", privileged, 0, parse::layer,
     "What the layer of --ephemeral is: auto, tmpfs, disk, snapshot, reflink, copy", nullptr, "auto"},
    {"image", 'i', required, "PATH", image, shown, "Files", "RootImage", privileged, 211, parse::image,
     "A disk image or block device to run"},
    {"image-policy", 0, required, "POLICY", image, shown, "Files", "RootImagePolicy", privileged, 254,
     parse::image_policy, "Which partitions of a disk image may be used"},
    {"mstack", 0, required, "PATH", image, shown, "Files", "RootMStack", privileged, 260, parse::stack,
     "A mount stack to run"},
    {"oci-bundle", 0, required, "PATH", image, shown, "", "", privileged, 242, parse::bundle, "An OCI bundle to run"},
    {"read-only", 0, none, "", image, shown, "Files", "ReadOnly", open, 0, parse::read_only, "Mount the root read-only",
     nullptr, "no"},
    {"volatile", 0, optional, "MODE", image, shown, "Files", "Volatile", open, 216, parse::volatile_mode,
     "Forget changes: no, yes (only /usr is kept), state (/var is forgotten), overlay", nullptr, "no"},
    {"root-hash", 0, required, "HASH", image, shown, "Files", "RootHash", privileged, 233, parse::root_hash,
     "Root hash of a verity image"},
    {"root-hash-sig", 0, required, "SIGNATURE", image, shown, "Files", "RootHashSignature", privileged, 246,
     parse::root_hash_signature, "Signature of the root hash: a file, or base64:DATA"},
    {"verity-data", 0, required, "PATH", image, shown, "Files", "RootVerity", privileged, 246, parse::verity_data,
     "Verity data of the image"},
    {"pivot-root", 0, required, "NEW[:OLD]", image, shown, "Exec", "PivotRoot", open, 233, parse::pivot_root,
     "Make this directory of the tree the root"},

    // execution
    {"as-pid2", 'a', none, "", execution, shown, "Exec", "ProcessTwo", open, 229, parse::as_pid2,
     "Run the command below a minimal init", nullptr, "no"},
    {"boot", 'b', none, "", execution, shown, "Exec", "Boot", open, 0, parse::boot, "Boot: run the init of the tree",
     nullptr, "no"},
    {"", 0, none, "", execution, shown, "Exec", "Parameters", open, 226, parse::parameters,
     "The command, or the arguments of init", nullptr, "", true},
    {"chdir", 0, required, "PATH", execution, shown, "Exec", "WorkingDirectory", open, 229, parse::working_directory,
     "Working directory of the command"},
    {"setenv", 'E', required, "NAME[=VALUE]", execution, shown, "Exec", "Environment", open, 209,
     parse::set_environment, "Set an environment variable; without a value pass it on", parse::environment_words, "",
     true},
    {"uid", 'u', required, "USER[:GROUP]", execution, shown, "Exec", "User", open, 261, parse::user,
     "Run the command as this user of the machine", nullptr, "root"},
    {"kill-signal", 0, required, "SIGNAL", execution, shown, "Exec", "KillSignal", open, 220, parse::kill_signal,
     "Signal that asks process 1 to shut down"},
    {"notify-ready", 0, required, "BOOL", execution, shown, "Exec", "NotifyReady", open, 231, parse::notify_ready,
     "Be ready only when the machine's init says so", nullptr, "no"},
    {"suppress-sync", 0, required, "BOOL", execution, shown, "Exec", "SuppressSync", open, 250, parse::suppress_sync,
     "Make sync calls do nothing", nullptr, "no"},

    // identity
    {"machine", 'M', required, "NAME", identity, shown, "", "", privileged, 0, parse::machine,
     "Name of the machine, or of the image to look for"},
    {"hostname", 0, required, "NAME", identity, shown, "Exec", "Hostname", open, 239, parse::hostname,
     "Its host name (default: its name)"},
    {"uuid", 0, required, "ID", identity, shown, "Exec", "MachineID", privileged, 0, parse::machine_id,
     "Its id, if the tree has none"},
    {"slice", 'S', required, "SLICE", identity, shown, "Unit", "Slice", privileged, 206, parse::slice,
     "Slice of the scope", nullptr, "machine.slice"},
    {"property", 0, required, "NAME=VALUE", identity, shown, "Unit", "Property", privileged, 220, parse::unit_property,
     "Property of the scope", nullptr, "", true},
    {"register", 0, required, "BOOL|auto", identity, shown, "Unit", "Register", privileged, 209, parse::registration,
     "Whether it is listed under its name", nullptr, "auto"},
    {"keep-unit", 0, none, "", identity, shown, "Unit", "KeepUnit", privileged, 209, parse::keep_unit,
     "Stay in the unit this was started in; a reboot ends with status 133", nullptr, "no"},

    // users
    {"private-users", 0, optional, "MODE", users, shown, "Exec", "PrivateUsers", privileged, 220, parse::private_users,
     "User namespace: no, yes, pick, managed, identity, BASE[:SIZE]", nullptr, "pick"},
    {"managed-by", 0, required, "UID", users, hidden, "", "", privileged, 0, parse::managed_by,
     "Start it for this user of the host"},
    {"private-users-ownership", 0, required, "MODE", users, shown, "Files", "PrivateUsersOwnership", privileged, 230,
     parse::users_ownership, "How the tree gets its owners: auto, map, foreign, chown, off", nullptr, "auto"},
    {"private-users-chown", 0, none, "", users, hidden, "Files", "PrivateUsersChown", privileged, 220,
     parse::users_chown, "Old spelling of --private-users-ownership=chown"},
    {"private-users-delegate", 0, required, "N", users, shown, "Exec", "PrivateUsersDelegate", privileged, 260,
     parse::users_delegate, "Give managed users more ranges of 65536, for machines inside: 0 to 16", nullptr, "0"},
    {"", 'U', none, "", users, shown, "", "", privileged, 230, parse::pick_users,
     "The same as --private-users=pick --private-users-ownership=auto"},

    // network
    {"private-network", 0, none, "", network, shown, "Network", "Private", privileged, 0, parse::private_network,
     "A network of its own with nothing but loopback", nullptr, "no"},
    {"network-namespace-path", 0, required, "PATH", network, shown, "Network", "NamespacePath", privileged, 236,
     parse::network_namespace, "Join this network namespace"},
    {"network-interface", 0, required, "HOST[:NAME]", network, shown, "Network", "Interface", privileged, 209,
     parse::network_interface, "Move a network interface in", nullptr, "", true},
    {"network-macvlan", 0, required, "HOST[:NAME]", network, shown, "Network", "MACVLAN", privileged, 211,
     parse::network_macvlan, "Add a macvlan interface", nullptr, "", true},
    {"network-ipvlan", 0, required, "HOST[:NAME]", network, shown, "Network", "IPVLAN", privileged, 219,
     parse::network_ipvlan, "Add an ipvlan interface", nullptr, "", true},
    {"network-veth", 'n', none, "", network, shown, "Network", "VirtualEthernet", privileged, 209, parse::network_veth,
     "Add a virtual ethernet link to the host"},
    {"network-veth-extra", 0, required, "HOST[:NAME]", network, shown, "Network", "VirtualEthernetExtra", privileged,
     228, parse::network_extra_veth, "Add another virtual ethernet link", nullptr, "", true},
    {"network-bridge", 0, required, "BRIDGE", network, shown, "Network", "Bridge", privileged, 209,
     parse::network_bridge, "Attach the link to a bridge"},
    {"network-zone", 0, required, "ZONE", network, shown, "Network", "Zone", privileged, 230, parse::network_zone,
     "Attach the link to a bridge shared by a zone"},
    {"port", 'p', required, "[PROTO:]HOST[:PORT]", network, shown, "Network", "Port", privileged, 219, parse::port,
     "Forward a port or a range of them", nullptr, "", true},
    {"network-address", 0, required, "ADDRESS[/LENGTH]", network, ours, "Network", "Address", privileged, 0,
     parse::network_address, "Give the machine's link this address before anything runs in it", nullptr, "", true},
    {"network-gateway", 0, required, "ADDRESS", network, ours, "Network", "Gateway", privileged, 0,
     parse::network_gateway, "The machine's way to all other networks", nullptr, "", true},
    {"network-dns", 0, required, "ADDRESS", network, ours, "Network", "DNS", privileged, 0, parse::network_name_server,
     "A name server of the machine", nullptr, "", true},

    // security
    {"capability", 0, required, "LIST", security, shown, "Exec", "Capability", privileged, 186, parse::capability,
     "Keep these capabilities too; \"help\" lists all", nullptr, "", true},
    {"drop-capability", 0, required, "LIST", security, shown, "Exec", "DropCapability", open, 209,
     parse::drop_capability, "Do not keep these capabilities", nullptr, "", true},
    {"ambient-capability", 0, required, "LIST", security, shown, "Exec", "AmbientCapability", privileged, 248,
     parse::ambient_capability, "Ambient capabilities of the command", nullptr, "", true},
    {"no-new-privileges", 0, required, "BOOL", security, shown, "Exec", "NoNewPrivileges", open, 239,
     parse::no_new_privileges, "No program may gain privileges", nullptr, "no"},
    {"system-call-filter", 0, required, "[~]LIST", security, shown, "Exec", "SystemCallFilter", depends, 235,
     parse::system_call_filter, "Allow these system calls too, or with ~ deny them", nullptr, "", true},
    {"restrict-address-families", 0, required, "[~]LIST|none", security, shown, "Exec", "RestrictAddressFamilies", open,
     261, parse::address_families, "Only these kinds of sockets, or with ~ all but these", nullptr, "", true, true},
    {"nesting", 0, none, "", security, ours, "Exec", "Nesting", privileged, 0, parse::nesting,
     "Let machinist, podman and systemd-nspawn run machines inside"},
    {"selinux-context", 'Z', required, "LABEL", security, shown, "Exec", "SELinuxContext", privileged, 0,
     parse::selinux_context, "SELinux label of its process 1"},
    {"selinux-apifs-context", 'L', required, "LABEL", security, shown, "Exec", "SELinuxAPIFSContext", privileged, 0,
     parse::selinux_api_context, "SELinux label of its API filesystems"},

    // resources
    {"rlimit", 0, required, "NAME=LIMIT", resources, shown, "", "", privileged, 239, parse::limit,
     "Set a resource limit"},
    {"oom-score-adjust", 0, required, "N", resources, shown, "Exec", "OOMScoreAdjust", privileged, 239,
     parse::oom_score_adjust, "How eagerly to kill it when memory runs out: -1000 to 1000"},
    {"cpu-affinity", 0, required, "LIST", resources, shown, "Exec", "CPUAffinity", privileged, 239, parse::cpu_affinity,
     "Processors to run on"},
    {"personality", 0, required, "ARCH", resources, shown, "Exec", "Personality", open, 209, parse::personality,
     "What uname tells: x86, x86-64"},
    {"", 0, none, "", resources, shown, "Exec", "LimitCPU", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitFSIZE", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitDATA", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitSTACK", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitCORE", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitRSS", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitNOFILE", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitAS", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitNPROC", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitMEMLOCK", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitLOCKS", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitSIGPENDING", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitMSGQUEUE", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitNICE", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitRTPRIO", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "", resources, shown, "Exec", "LimitRTTIME", privileged, 239, parse::limit_key, ""},
    {"", 0, none, "BYTES", resources, shown, "Resources", "MemoryMin", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "BYTES", resources, shown, "Resources", "MemoryLow", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "BYTES", resources, shown, "Resources", "MemoryHigh", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "BYTES", resources, shown, "Resources", "MemoryMax", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "BYTES", resources, shown, "Resources", "MemorySwapMax", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "BYTES", resources, shown, "Resources", "MemoryZSwapMax", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "N", resources, shown, "Resources", "TasksMax", privileged, 0, parse::group_limit, "", nullptr,
     "16384"},
    {"", 0, none, "WEIGHT|idle", resources, shown, "Resources", "CPUWeight", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "PERCENT", resources, shown, "Resources", "CPUQuota", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "TIME", resources, shown, "Resources", "CPUQuotaPeriodSec", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "LIST", resources, shown, "Resources", "AllowedCPUs", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "LIST", resources, shown, "Resources", "AllowedMemoryNodes", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "WEIGHT", resources, shown, "Resources", "IOWeight", privileged, 0, parse::group_limit, ""},
    {"", 0, none, "PATH WEIGHT", resources, shown, "Resources", "IODeviceWeight", privileged, 0, parse::group_limit, "",
     nullptr, "", true},
    {"", 0, none, "PATH BYTES", resources, shown, "Resources", "IOReadBandwidthMax", privileged, 0, parse::group_limit,
     "", nullptr, "", true},
    {"", 0, none, "PATH BYTES", resources, shown, "Resources", "IOWriteBandwidthMax", privileged, 0, parse::group_limit,
     "", nullptr, "", true},
    {"", 0, none, "PATH N", resources, shown, "Resources", "IOReadIOPSMax", privileged, 0, parse::group_limit, "",
     nullptr, "", true},
    {"", 0, none, "PATH N", resources, shown, "Resources", "IOWriteIOPSMax", privileged, 0, parse::group_limit, "",
     nullptr, "", true},

    // integration
    {"resolv-conf", 0, required, "MODE", integration, shown, "Exec", "ResolvConf", open, 239, parse::resolv_conf,
     "How /etc/resolv.conf is set up; \"help\" lists all", nullptr, "auto"},
    {"timezone", 0, required, "MODE", integration, shown, "Exec", "Timezone", open, 239, parse::timezone,
     "How /etc/localtime is set up; \"help\" lists all", nullptr, "auto"},
    {"link-journal", 0, required, "MODE", integration, shown, "Exec", "LinkJournal", privileged, 187,
     parse::link_journal, "Where its journal lies: no, auto, [try-]guest, [try-]host", nullptr, "auto"},
    {"", 'j', none, "", integration, shown, "", "", privileged, 187, parse::link_journal_try_guest,
     "The same as --link-journal=try-guest"},
    {"forward-journal", 0, required, "FILE|DIR", integration, shown, "Exec", "ForwardJournal", privileged, 261,
     parse::forward_journal, "Send its journal there"},
    {"forward-journal-max-use", 0, required, "BYTES", integration, shown, "Exec", "ForwardJournalMaxUse", privileged,
     261, parse::forward_journal_max_use, "Limit of it: what all of its files have"},
    {"forward-journal-keep-free", 0, required, "BYTES", integration, shown, "Exec", "ForwardJournalKeepFree",
     privileged, 261, parse::forward_journal_keep_free, "Limit of it: what stays free on the filesystem"},
    {"forward-journal-max-file-size", 0, required, "BYTES", integration, shown, "Exec", "ForwardJournalMaxFileSize",
     privileged, 261, parse::forward_journal_max_file_size, "Limit of it: what one file has"},
    {"forward-journal-max-files", 0, required, "N", integration, shown, "Exec", "ForwardJournalMaxFiles", privileged,
     261, parse::forward_journal_max_files, "Limit of it: how many files are kept"},

    // mounts
    {"bind", 0, required, "[+]SRC[:DEST[:OPTIONS]]", mounts, shown, "Files", "Bind", privileged, 198, parse::bind,
     "Bind a file or directory; options [no]rbind, [no]idmap, rootidmap, owneridmap", nullptr, "", true},
    {"bind-ro", 0, required, "[+]SRC[:DEST[:OPTIONS]]", mounts, shown, "Files", "BindReadOnly", privileged, 198,
     parse::bind_read_only, "The same, read-only", nullptr, "", true},
    {"inaccessible", 0, required, "PATH", mounts, shown, "Files", "Inaccessible", privileged, 242, parse::inaccessible,
     "Hide a file or directory", nullptr, "", true},
    {"tmpfs", 0, required, "PATH[:OPTIONS]", mounts, shown, "Files", "TemporaryFileSystem", privileged, 214,
     parse::tmpfs, "Mount a tmpfs", nullptr, "", true},
    {"overlay", 0, required, "LOWER[:LOWER]:UPPER:DEST", mounts, shown, "Files", "Overlay", privileged, 220,
     parse::overlay, "Mount an overlay", nullptr, "", true},
    {"overlay-ro", 0, required, "LOWER[:LOWER]:DEST", mounts, shown, "Files", "OverlayReadOnly", privileged, 220,
     parse::overlay_read_only, "The same, read-only", nullptr, "", true},
    {"bind-user", 0, required, "NAME", mounts, shown, "Files", "BindUser", privileged, 249, parse::bind_user,
     "Let a user of the host be a user of the machine", nullptr, "", true},
    {"bind-user-shell", 0, required, "BOOL|PATH", mounts, shown, "Files", "BindUserShell", privileged, 258,
     parse::bind_user_shell, "Shell of that user"},
    {"bind-user-group", 0, required, "NAME", mounts, shown, "Files", "BindUserGroup", privileged, 259,
     parse::bind_user_group, "Group of that user", nullptr, "", true},
    {"device", 0, required, "DEVICE", mounts, ours, "Files", "Device", privileged, 0, parse::device,
     "Give it a device of the host: PATH[:ACCESS] with ACCESS of r, w, m (default: all), or VENDOR/CLASS=NAME", nullptr,
     "", true},

    // console
    {"console", 0, required, "MODE", OptionGroup::console, shown, "Exec", "Console", privileged, 242, parse::console,
     "interactive, read-only, passive, pipe, autopipe"},
    {"pipe", 'P', none, "", OptionGroup::console, shown, "", "", privileged, 242, parse::pipe,
     "The same as --console=pipe"},
    {"background", 0, required, "SGR", OptionGroup::console, shown, "Exec", "Background", privileged, 256,
     parse::background, "Tint of the terminal", nullptr, "", false, true},

    // credentials
    {"set-credential", 0, required, "ID:VALUE", credentials, shown, "Exec", "SetCredential", privileged, 247,
     parse::set_credential, "Pass a credential", nullptr, "", true},
    {"load-credential", 0, required, "ID:PATH", credentials, shown, "Exec", "LoadCredential", privileged, 247,
     parse::load_credential, "Pass a credential read from a file, socket or credential", nullptr, "", true},
    {"share-system", 0, none, "", credentials, hidden, "", "", privileged, 0, parse::share_system, ""},
});

} // namespace

std::span<const Option> option_table() {
    return rows;
}

OptionParser parser_of_key(const Option& row) {
    return row.parse_key != nullptr ? row.parse_key : row.parse;
}

const Option* row_of_key(std::string_view name) {
    const auto dot = name.find('.');
    const std::string_view section = dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
    const std::string_view key = dot == std::string_view::npos ? name : name.substr(dot + 1);
    const auto* row = std::ranges::find_if(rows, [&](const Option& o) {
        return !o.key.empty() && o.key == key && (section.empty() || o.section == section);
    });
    return row == rows.end() ? nullptr : row;
}

} // namespace machinist
