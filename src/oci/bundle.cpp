// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/bundle.hpp"

#include "base/text.hpp"
#include "oci/bundle_parts.hpp"

namespace machinist {

namespace oci {

Path host_path(const Path& path, const Path& directory) {
    return (directory / path).lexically_normal();
}

namespace {

void read_version(Fields& config, BundleReading& reading) {
    const auto version = config.text("ociVersion");
    if (!version)
        reading.findings.refuse("ociVersion", "is missing");
    else if (!version->starts_with("1."))
        reading.findings.refuse("ociVersion", "is not 1.x but " + escaped_for_people(version->substr(0, 20)), {},
                                FailureKind::not_supported);
}

void read_root(Fields& config, BundleReading& reading) {
    auto root = config.object("root");
    const auto path = root ? root->text("path") : std::nullopt;
    if (!path || path->empty())
        return reading.findings.refuse("root.path", "is missing");
    reading.bundle.root = host_path(*path, reading.directory);
    reading.bundle.settings.read_only = root->flag("readonly").value_or(false);
    root->told_all();
}

void read_names(Fields& config, BundleReading& reading) {
    if (const auto name = config.text("hostname"); name && !name->empty()) {
        if (MachineName::parse(*name))
            reading.bundle.settings.hostname = *name;
        else
            reading.findings.refuse("hostname", "is no host name");
    }
    const std::string domain = config.text("domainname").value_or("");
    if (domain.size() > 64 || has_control_characters(domain))
        reading.findings.refuse("domainname", "is no domain name");
    else
        reading.settings().domainname = domain;
}

// They are commands of the host, to be run as its root: not because a file says so.
void read_hooks(Fields& config, Manner manner) {
    auto hooks = config.object("hooks");
    if (!hooks)
        return;
    for (const char* name :
         {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}) {
        if (manner == Manner::nspawn)
            hooks->not_done(name, "is not run");
        else
            hooks->refused(name, "is not run", "removing it, and running what it names beside the machine");
    }
    hooks->told_all();
}

void check_shared_names(BundleReading& reading) {
    const BundleSettings& settings = reading.settings();
    if (!settings.shared.uts)
        return;
    if (reading.bundle.settings.hostname)
        reading.findings.refuse("hostname", "would be the host's own name: there is no new namespace \"uts\"");
    if (!settings.domainname.empty())
        reading.findings.refuse("domainname", "would be the host's own: there is no new namespace \"uts\"");
}

// Where no users are given, the host's ids are what processes of a bundle have: they are the machine's, whose users are
// its own all the same.
void say_whose_owners_are_seen(BundleReading& reading) {
    for (ExtraMount& mount : reading.mounts())
        if (mount.owner_map)
            mount.owner_map->seen_by_host = reading.bundle.settings.users.has_value();
}

void read_config(Fields config, BundleReading& reading, Manner manner) {
    read_version(config, reading);
    read_root(config, reading);
    read_names(config, reading);
    read_hooks(config, manner);
    if (auto process = config.object("process"))
        read_process(std::move(*process), reading);
    read_mounts(config, reading);
    if (auto part = config.object("linux"))
        read_linux(std::move(*part), reading);
    else
        reading.findings.refuse("linux", "is missing: it is no bundle for Linux");
    for (const char* system : {"windows", "solaris", "vm", "zos", "freebsd"})
        config.refused(system, "is for another system");
    config.pass_over("annotations"); // notes of other tools
    config.told_all();
    check_shared_names(reading);
    say_whose_owners_are_seen(reading);
}

} // namespace
} // namespace oci

Bundle read_bundle(std::string_view text, const Path& directory, Manner manner) {
    Bundle bundle;
    bundle.settings.bundle.emplace();
    bundle.settings.extra_mounts.emplace();
    oci::Findings findings{"config.json", {}, {}};
    oci::BundleReading reading{bundle, directory, findings};
    if (const auto config = oci::parse_document(text, findings))
        oci::read_config({*config, "", findings}, reading, manner);
    bundle.problems = std::move(findings.problems);
    bundle.warnings = std::move(findings.warnings);
    return bundle;
}

} // namespace machinist
