// SPDX-License-Identifier: LGPL-2.1-or-later
// The Linux part of a bundle: namespaces, ids, devices, protected paths, kernel settings.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"
#include "spec/link_names.hpp"
#include "spec/mount_text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace machinist::oci {

namespace {

void read_namespaces(Fields& part, BundleReading& reading) {
    std::set<std::string> made;
    Settings& settings = reading.bundle.settings;
    for (Fields& wanted : part.objects("namespaces")) {
        const std::string type = wanted.text("type").value_or("");
        const auto path = wanted.text("path");
        wanted.told_all();
        if (!made.insert(type).second)
            reading.findings.refuse(wanted.place_of("type"), "is there twice");
        else if (type == "network" && path && !path->empty())
            settings.network.emplace().namespace_path = host_path(*path, reading.directory);
        else if (type == "network")
            settings.network.emplace().is_private = true;
        else if (type == "time" && (!path || path->empty()))
            reading.settings().clocks.emplace();
        else if (type != "pid" && type != "time" && type != "ipc" && type != "uts" && type != "mount" &&
                 type != "user" && type != "cgroup")
            reading.findings.refuse(wanted.place_of("type"), "is no namespace");
        else if (path && !path->empty())
            reading.findings.refuse(wanted.place_of("path"), "would join a namespace that is there: not done for it",
                                    "leaving it out", FailureKind::not_supported);
    }
    if (!made.contains("mount"))
        reading.findings.refuse(part.place_of("namespaces"), "has no \"mount\": a machine has mounts of its own");
    BundleSettings& bundle = reading.settings();
    bundle.shared = {.ipc = !made.contains("ipc"), .pid = !made.contains("pid"), .uts = !made.contains("uts")};
    bundle.cgroup_namespace = made.contains("cgroup");
    if (!made.contains("user"))
        for (const char* name : {"uidMappings", "gidMappings"})
            part.refused(name, "is there without a namespace \"user\"");
}

struct Mapping {
    std::uint64_t inside, outside, size;
    friend bool operator==(const Mapping&, const Mapping&) = default;
};

std::optional<Mapping> mapping_in(Fields& part, const char* name) {
    auto mappings = part.objects(name);
    if (mappings.empty())
        return std::nullopt;
    Fields& only = mappings.front();
    const Mapping found{only.natural("containerID").value_or(UINT64_MAX), only.natural("hostID").value_or(UINT64_MAX),
                        only.natural("size").value_or(0)};
    only.told_all();
    if (mappings.size() > 1 || found.inside != 0 || found.size == 0 || found.outside > UINT32_MAX - 1 ||
        found.size > UINT32_MAX - found.outside)
        part.findings().refuse(part.place_of(name), "is not one range from 0 on", {}, FailureKind::not_supported);
    return found;
}

void read_id_mappings(Fields& part, BundleReading& reading) {
    const auto users = mapping_in(part, "uidMappings");
    const auto groups = mapping_in(part, "gidMappings");
    if (!users && !groups)
        return;
    if (users != groups)
        return reading.findings.refuse(part.place_of("gidMappings"), "is not what uidMappings is", {},
                                       FailureKind::not_supported);
    // The tree of a bundle has the owners that the host sees.
    reading.bundle.settings.users = UserNamespaceSettings{.kind = UserNamespaceKind::fixed,
                                                          .base = static_cast<std::uint32_t>(users->outside),
                                                          .size = static_cast<std::uint32_t>(users->size),
                                                          .ownership = Ownership::off};
}

ClockOffset offset_in(Fields& offsets, const char* name) {
    constexpr std::uint64_t second = 1'000'000'000;
    auto written = offsets.object(name);
    if (!written)
        return {};
    const ClockOffset offset{written->number("secs").value_or(0),
                             static_cast<std::uint32_t>(std::min(written->natural("nanosecs").value_or(0), second))};
    written->told_all();
    if (offset.nanoseconds >= second)
        offsets.findings().refuse(written->place_of("nanosecs"), "is a second or more");
    return offset;
}

void read_clocks(Fields& part, BundleReading& reading) {
    if (!reading.settings().clocks)
        return part.refused("timeOffsets", "is there without a namespace \"time\"",
                            "listing it among linux.namespaces");
    auto offsets = part.object("timeOffsets");
    if (!offsets)
        return;
    reading.settings().clocks = ClockSpec{offset_in(*offsets, "monotonic"), offset_in(*offsets, "boottime")};
    offsets->told_all();
}

#if defined(__x86_64__)
constexpr const char* personality_of_host = "x86-64";
constexpr const char* personality_of_32_bits = "x86";
#elif defined(__aarch64__)
constexpr const char* personality_of_host = "arm64";
constexpr const char* personality_of_32_bits = "arm";
#else
constexpr const char* personality_of_host = "";
constexpr const char* personality_of_32_bits = nullptr;
#endif

void read_personality(Fields wanted, BundleReading& reading) {
    const std::string domain = wanted.text("domain").value_or("");
    wanted.refused("flags", "names flags, of which the specification has none");
    wanted.told_all();
    if (domain == "LINUX")
        reading.bundle.settings.personality = personality_of_host;
    else if (domain == "LINUX32" && personality_of_32_bits != nullptr)
        reading.bundle.settings.personality = personality_of_32_bits;
    else
        reading.findings.refuse(wanted.place_of("domain"), "is none of LINUX, LINUX32, or nothing that runs here", {},
                                FailureKind::not_supported);
}

void read_network_devices(Fields& part, BundleReading& reading) {
    auto devices = part.named_objects("netDevices");
    if (devices.empty())
        return;
    auto& network = reading.bundle.settings.network;
    if (!network || !network->is_private.value_or(false))
        return reading.findings.refuse(part.place_of("netDevices"), "is there without a new namespace \"network\"",
                                       "a namespace \"network\" without a path", FailureKind::not_supported);
    network->interfaces_as_they_were = true;
    for (auto& [name, device] : devices) {
        const std::string inside = device.text("name").value_or("");
        device.told_all();
        if (!is_link_name(name, longest_alternative_link_name))
            reading.findings.refuse(part.place_of("netDevices"), "has '" + escaped_for_people(name.substr(0, 40)) +
                                                                     "', which is no name of a network link");
        else if (!inside.empty() && !is_link_name(inside))
            reading.findings.refuse(device.place_of("name"), "is no name of a network link");
        else
            network->interfaces.push_back({name, inside.empty() ? name : inside});
    }
}

bool is_standard_device(const std::string& path) {
    constexpr std::array standard{"/dev/null", "/dev/zero",    "/dev/full", "/dev/random", "/dev/urandom",
                                  "/dev/tty",  "/dev/console", "/dev/ptmx", "/dev/fuse",   "/dev/net/tun"};
    return std::ranges::find(standard, path) != standard.end();
}

void read_devices(Fields& part, BundleReading& reading) {
    for (Fields& device : part.objects("devices")) {
        const std::string type = device.text("type").value_or("");
        const auto path = destination_path(device.text("path").value_or(""));
        const auto major = device.natural("major");
        const auto minor = device.natural("minor");
        for (const char* name : {"fileMode", "uid", "gid"})
            device.pass_over(name); // it is the host's own node
        device.told_all();
        if (!path || !path->native().starts_with("/dev/"))
            reading.findings.refuse(device.place_of("path"), "is no path below /dev");
        else if (is_standard_device(path->native()))
            continue;
        else if ((type != "c" && type != "u" && type != "b") || !major || !minor || *major > 4095 || *minor > 1048575)
            reading.findings.refuse(device.place_of("type"), "is no device with its numbers");
        else {
            reading.bundle.devices.push_back(
                {*path, type == "b", static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)});
            ExtraMount node;
            node.destination = *path;
            node.source = {*path, false};
            reading.mounts().push_back(std::move(node));
        }
    }
}

void protect(Fields& part, const char* name, ExtraMountKind kind, BundleReading& reading) {
    for (const std::string& text : part.texts(name)) {
        const auto path = destination_path(text);
        if (!path || *path == "/") {
            reading.findings.refuse(part.place_of(name), "has '" + escaped_for_people(text.substr(0, 100)) +
                                                             "', which is no absolute path below '/'");
            continue;
        }
        ExtraMount mount;
        mount.kind = kind;
        mount.destination = *path;
        mount.read_only = mount.may_be_missing = true;
        reading.mounts().push_back(std::move(mount));
    }
}

// Those that belong to a namespace; of any other the host would have the change.
bool is_of_a_namespace(const std::string& name, const BundleReading& reading) {
    constexpr std::array of_ipc{"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    const auto& network = reading.bundle.settings.network;
    if (name.starts_with("net."))
        return network && network->is_private.value_or(false);
    const bool is_ipc = name.starts_with("fs.mqueue.") || std::ranges::find(of_ipc, name) != of_ipc.end();
    return is_ipc && !reading.settings().shared.ipc;
}

void read_sysctls(Fields& part, BundleReading& reading) {
    constexpr std::string_view in_names = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    for (const auto& [written, value] : part.text_pairs("sysctl")) {
        std::string name = written;
        // "net/ipv4/conf/all" and "net.ipv4.conf.all" are the same.
        if (name.find('/') < name.find('.'))
            std::ranges::replace(name, '/', '.');
        const std::string place = part.place_of("sysctl." + written);
        if (name.find_first_not_of(in_names) != std::string::npos || name.find("..") != std::string::npos ||
            has_control_characters(value))
            reading.findings.refuse(place, "is no kernel setting");
        else if (name == "kernel.domainname" && reading.settings().domainname.empty() && !reading.settings().shared.uts)
            reading.settings().domainname = value;
        else if (name == "kernel.hostname" && MachineName::parse(value) && !reading.settings().shared.uts)
            reading.bundle.settings.hostname = value;
        else if (!is_of_a_namespace(name, reading))
            reading.findings.refuse(place, "is not of a namespace that the machine has for itself", {},
                                    FailureKind::not_permitted);
        else
            reading.settings().sysctls.push_back(name + "=" + value);
    }
}

} // namespace

void read_linux(Fields part, BundleReading& reading) {
    read_namespaces(part, reading);
    read_id_mappings(part, reading);
    read_devices(part, reading);
    protect(part, "maskedPaths", ExtraMountKind::inaccessible, reading);
    protect(part, "readonlyPaths", ExtraMountKind::read_only, reading);
    read_sysctls(part, reading);
    if (auto resources = part.object("resources"))
        read_resources(std::move(*resources), reading);
    if (auto seccomp = part.object("seccomp"))
        read_seccomp(std::move(*seccomp), reading);
    const std::string propagation = part.text("rootfsPropagation").value_or("");
    if (propagation.find("shared") != std::string::npos || propagation.find("unbindable") != std::string::npos)
        reading.findings.warn(part.place_of("rootfsPropagation"), "is not done: mounts do not spread to the host");
    part.not_done("cgroupsPath", "is not used: the machine's group is its scope's");
    part.not_done("mountLabel", "is not applied");
    read_clocks(part, reading);
    read_network_devices(part, reading);
    if (auto wanted = part.object("personality"))
        read_personality(std::move(*wanted), reading);
    if (auto wanted = part.object("memoryPolicy"))
        read_memory_policy(std::move(*wanted), reading);
    part.refused("intelRdt", "is not done: groups of resctrl are made and divided up by the host's administrator",
                 "writing the machine's leader into \"tasks\" of such a group once it runs");
    part.told_all();
}

} // namespace machinist::oci
