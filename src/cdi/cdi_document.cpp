// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cdi/cdi_document.hpp"

#include "base/text.hpp"
#include "oci/bind_options.hpp"
#include "oci/json_fields.hpp"
#include "spec/mount_text.hpp"

#include <algorithm>
#include <iterator>

namespace machinist {

namespace {

using oci::Fields;
using oci::Findings;

constexpr std::size_t most_entries = 4096; // of any list

std::vector<Fields> bounded(Fields& part, const char* name) {
    auto entries = part.objects(name);
    if (entries.size() <= most_entries)
        return entries;
    part.findings().refuse(part.place_of(name), "has more than 4096 entries");
    return {};
}

std::optional<std::uint32_t> small_number(Fields& part, const char* name, std::uint32_t most) {
    const auto number = part.natural(name);
    if (!number)
        return std::nullopt;
    if (*number <= most)
        return static_cast<std::uint32_t>(*number);
    part.findings().refuse(part.place_of(name), "is too large");
    return std::nullopt;
}

// Of the host; "." and ".." are nothing that a spec needs.
std::optional<Path> path_in(Fields& part, const char* name) {
    const auto text = part.text(name);
    if (!text)
        return std::nullopt;
    auto path = destination_path(*text);
    if (!path || *path == "/")
        part.findings().refuse(part.place_of(name), "is no absolute path below '/'");
    return path;
}

void read_node(Fields node, CdiPart& part) {
    Findings& findings = node.findings();
    DeviceSpec device;
    const auto path = path_in(node, "path");
    const auto host = path_in(node, "hostPath");
    const std::string type = node.text("type").value_or("");
    const std::string access = node.text("permissions").value_or("");
    constexpr std::uint32_t last_id = UINT32_MAX - 1;
    device.user = small_number(node, "uid", last_id);
    device.group = small_number(node, "gid", last_id);
    device.mode = small_number(node, "fileMode", UINT32_MAX);
    const auto major = small_number(node, "major", UINT32_MAX);
    const auto minor = small_number(node, "minor", UINT32_MAX);
    node.told_all();
    if (!path || !path->native().starts_with("/dev/"))
        return findings.refuse(node.place_of("path"), "is no path below /dev");
    if (!type.empty() && type != "b" && type != "c" && type != "u")
        return findings.refuse(node.place_of("type"), "is neither b nor c nor u", {}, FailureKind::not_supported);
    if (access.find_first_not_of("rwm") != std::string::npos)
        return findings.refuse(node.place_of("permissions"), "has other letters than r, w and m");
    device.path = *path;
    if (host && *host != *path)
        device.source = *host;
    if (!access.empty())
        device.access = access;
    // Nothing and 0 say the same of a major number.
    const bool has_numbers = major.value_or(0) != 0;
    if (!type.empty() || has_numbers)
        part.claims.push_back({.node = device.host_path(),
                               .type = type.empty()  ? '\0'
                                       : type == "b" ? 'b'
                                                     : 'c',
                               .major = has_numbers ? major : std::nullopt,
                               .minor = has_numbers ? minor : std::nullopt,
                               .file = findings.document,
                               .place = node.place_of("path")});
    part.edits.devices.push_back(std::move(device));
}

void read_mount(Fields wanted, CdiEdits& edits) {
    Findings& findings = wanted.findings();
    ExtraMount mount;
    mount.kind = ExtraMountKind::bind;
    mount.recursive = false;
    const auto source = path_in(wanted, "hostPath");
    const auto destination = path_in(wanted, "containerPath");
    const std::string type = wanted.text("type").value_or("");
    const auto options = wanted.texts("options");
    wanted.told_all();
    if (!source || !destination)
        return findings.refuse(wanted.place_of(source ? "containerPath" : "hostPath"), "is missing");
    if (!type.empty() && type != "bind" && type != "none")
        return findings.refuse(wanted.place_of("type"), "is no bind mount", {}, FailureKind::not_supported);
    mount.source = {*source, false};
    mount.destination = *destination;
    oci::read_bind_options(wanted.place_of("options"), options, mount, findings);
    edits.mounts.push_back(std::move(mount));
}

// They are commands of the host, to be run as its root: not because a file says so.
void tell_hooks(Fields& edits) {
    for (Fields& hook : bounded(edits, "hooks")) {
        const std::string path = hook.text("path").value_or("");
        const std::vector<std::string> arguments = hook.texts("args");
        const std::string command = arguments.size() > 1 ? joined({arguments.begin() + 1, arguments.end()}, " ") : path;
        edits.findings().warn(hook.place_of("hookName"), "is not run: '" + escaped_for_people(command.substr(0, 200)) +
                                                             "' of '" + escaped_for_people(path.substr(0, 200)) + "'");
    }
}

void read_edits(Fields edits, CdiPart& part) {
    for (const std::string& assignment : edits.texts("env"))
        if (const auto equals = assignment.find('=');
            equals != std::string::npos && is_environment_name(assignment.substr(0, equals)))
            part.edits.environment.push_back(assignment);
        else
            edits.findings().refuse(edits.place_of("env"), "has something that is not NAME=VALUE");
    for (Fields& node : bounded(edits, "deviceNodes"))
        read_node(std::move(node), part);
    for (Fields& mount : bounded(edits, "mounts"))
        read_mount(std::move(mount), part.edits);
    for (const std::uint64_t group : edits.naturals("additionalGids"))
        if (group < UINT32_MAX)
            part.edits.groups.push_back(static_cast<std::uint32_t>(group));
        else
            edits.findings().refuse(edits.place_of("additionalGids"), "has what is no group");
    tell_hooks(edits);
    edits.refused("netDevices", "is not done", "'--network-interface='");
    edits.not_done("intelRdt", "is not done");
    edits.told_all();
}

Problems taken_from(Problems& all, std::size_t first) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    Problems taken{begin, all.end()};
    all.erase(begin, all.end());
    return taken;
}

// What is found in it becomes the part's own.
CdiPart part_of(Fields& owner) {
    CdiPart part;
    Findings& findings = owner.findings();
    const std::size_t problems = findings.problems.size();
    const std::size_t warnings = findings.warnings.size();
    if (auto edits = owner.object("containerEdits"))
        read_edits(std::move(*edits), part);
    part.problems = taken_from(findings.problems, problems);
    part.warnings = taken_from(findings.warnings, warnings);
    return part;
}

bool is_known_version(std::string_view text) {
    const auto numbers = split(text, '.');
    const auto number = [&](std::size_t at) { return parse_integer<unsigned>(numbers[at]); };
    if (numbers.size() != 3 || !number(0) || !number(1) || !number(2))
        return false;
    return *number(0) == 1 || (*number(0) == 0 && *number(1) >= 2);
}

void read_document(Fields document, CdiSpec& spec) {
    Findings& findings = document.findings();
    const std::string version = document.text("cdiVersion").value_or("");
    if (!is_known_version(version))
        findings.refuse("cdiVersion", "is none of 0.2 to 1.x");
    spec.kind = document.text("kind").value_or("");
    if (!is_cdi_kind(spec.kind))
        findings.refuse("kind", "is not VENDOR/CLASS");
    document.pass_over("annotations");
    spec.all = part_of(document);
    for (Fields& device : bounded(document, "devices")) {
        const std::string name = device.text("name").value_or("");
        device.pass_over("annotations");
        if (!is_cdi_device(name))
            findings.refuse(device.place_of("name"), "is no name of a device");
        else if (!spec.devices.emplace(name, part_of(device)).second)
            findings.refuse(device.place_of("name"), "is there twice");
        device.told_all();
    }
    if (spec.devices.empty() && findings.problems.empty())
        findings.refuse("devices", "has none");
    document.told_all();
}

template <typename List>
void append(List& list, const List& more) {
    list.insert(list.end(), more.begin(), more.end());
}

void add(CdiPart& whole, const CdiPart& part) {
    append(whole.edits.devices, part.edits.devices);
    append(whole.claims, part.claims);
    // Devices of one vendor bring the same files.
    for (const ExtraMount& mount : part.edits.mounts) {
        std::erase_if(whole.edits.mounts,
                      [&](const ExtraMount& former) { return former.destination == mount.destination; });
        whole.edits.mounts.push_back(mount);
    }
    append(whole.edits.environment, part.edits.environment);
    append(whole.edits.groups, part.edits.groups);
    append(whole.problems, part.problems);
    append(whole.warnings, part.warnings);
}

void refuse(CdiPart& whole, FailureKind kind, const CdiName& name, const std::string& predicate,
            std::string remedy = {}) {
    whole.problems.push_back({.kind = kind,
                              .option = "--device",
                              .value = text_of(name),
                              .sentence = "--device: '" + text_of(name) + "' " + predicate,
                              .remedy = std::move(remedy)});
}

std::string devices_of_kind(std::span<const CdiSpec> specs, const std::string& kind) {
    constexpr std::size_t most_named = 10;
    std::vector<std::string> names;
    for (const CdiSpec& spec : specs)
        for (const auto& [name, part] : spec.devices)
            if (spec.kind == kind && spec.problems.empty() && names.size() < most_named)
                names.push_back(kind + "=" + name);
    return joined(names, ", ");
}

// Where there is none, why is told.
const CdiSpec* find(std::span<const CdiSpec> specs, const CdiName& name, CdiPart& whole) {
    std::vector<const CdiSpec*> found;
    for (const CdiSpec& spec : specs)
        if (spec.problems.empty() && spec.kind == name.kind && spec.devices.contains(name.device))
            found.push_back(&spec);
    std::ranges::stable_sort(found, std::ranges::greater{}, &CdiSpec::rank);
    if (found.size() > 1 && found[0]->rank == found[1]->rank) {
        refuse(whole, FailureKind::invalid, name,
               "is both in '" + found[0]->file.string() + "' and '" + found[1]->file.string() + "'");
        return nullptr;
    }
    if (!found.empty())
        return found[0];
    refuse(whole, FailureKind::not_found, name, "is in no file of /etc/cdi and /var/run/cdi",
           devices_of_kind(specs, name.kind));
    // It may be in one of these.
    for (const CdiSpec& spec : specs)
        append(whole.problems, spec.problems);
    return nullptr;
}

} // namespace

CdiSpec read_cdi_spec(std::string_view json, const Path& file, std::size_t rank) {
    CdiSpec spec;
    spec.file = file;
    spec.rank = rank;
    Findings findings{file.string(), {}, {}};
    if (const auto document = oci::parse_document(json, findings))
        read_document({*document, "", findings}, spec);
    spec.problems = std::move(findings.problems);
    append(spec.all.warnings, findings.warnings);
    return spec;
}

std::map<std::string, Path> cdi_devices(std::span<const CdiSpec> specs) {
    std::map<std::string, Path> all;
    std::map<std::string, std::size_t> ranks;
    for (const CdiSpec& spec : specs)
        for (const auto& [device, part] : spec.devices) {
            const std::string name = text_of(CdiName{spec.kind, device});
            if (!spec.problems.empty() || (ranks.contains(name) && ranks[name] > spec.rank))
                continue;
            all[name] = spec.file;
            ranks[name] = spec.rank;
        }
    return all;
}

CdiPart compose_cdi(std::span<const CdiName> names, std::span<const CdiSpec> specs) {
    CdiPart whole;
    std::vector<CdiName> done;
    std::vector<const CdiSpec*> begun;
    for (const CdiName& name : names) {
        if (std::ranges::find(done, name) != done.end())
            continue;
        done.push_back(name);
        const CdiSpec* spec = find(specs, name, whole);
        if (spec == nullptr)
            continue;
        if (std::ranges::find(begun, spec) == begun.end())
            add(whole, spec->all);
        begun.push_back(spec);
        add(whole, spec->devices.at(name.device));
    }
    return whole;
}

} // namespace machinist
