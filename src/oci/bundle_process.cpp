// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs in a bundle: command, environment, user, capabilities, limits.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"
#include "spec/capability_names.hpp"
#include "spec/mount_text.hpp"
#include "spec/resource_limits.hpp"

namespace machinist::oci {

namespace {

constexpr std::size_t most_groups = 1024;

void read_command(Fields& process, BundleReading& reading) {
    StartSettings start;
    start.parameters = process.texts("args");
    if (start.parameters.empty() || start.parameters.front().empty())
        reading.findings.refuse(process.place_of("args"), "is missing");
    start.boot = start.as_pid2 = false;
    reading.bundle.settings.start = std::move(start);
    if (const auto directory = process.text("cwd")) {
        reading.bundle.settings.working_directory = destination_path(*directory);
        if (!reading.bundle.settings.working_directory)
            reading.findings.refuse(process.place_of("cwd"), "is no absolute path without '..'");
    }
    process.refused("commandLine", "is for another system");
}

void read_environment(Fields& process, BundleReading& reading) {
    std::vector<std::string> environment = process.texts("env");
    std::erase_if(environment, [&](const std::string& word) {
        const bool is_assignment = word.find('=') != std::string::npos && !word.starts_with('=');
        if (!is_assignment)
            reading.findings.warn(process.place_of("env"), "has something without a name or '=', left out");
        return !is_assignment;
    });
    if (!environment.empty())
        reading.bundle.settings.environment = std::move(environment);
}

std::optional<std::uint32_t> id_in(Fields& fields, const char* name) {
    const auto number = fields.natural(name);
    if (number && *number < UINT32_MAX)
        return static_cast<std::uint32_t>(*number);
    if (number)
        fields.findings().refuse(fields.place_of(name), "is no id");
    return std::nullopt;
}

void read_user(Fields& process, BundleReading& reading) {
    auto user = process.object("user");
    if (!user)
        return;
    const auto uid = id_in(*user, "uid");
    const auto gid = id_in(*user, "gid");
    if (uid || gid)
        reading.bundle.settings.user = std::to_string(uid.value_or(0)) + ":" + std::to_string(gid.value_or(0));
    if (const auto mask = user->natural("umask")) {
        if (*mask > 0777)
            reading.findings.refuse(user->place_of("umask"), "is no mask of permissions");
        else
            reading.settings().umask = static_cast<std::uint32_t>(*mask);
    }
    for (const std::uint64_t group : user->naturals("additionalGids")) {
        if (group >= UINT32_MAX || reading.settings().groups.size() >= most_groups)
            return reading.findings.refuse(user->place_of("additionalGids"), "is no list of at most 1024 ids");
        reading.settings().groups.push_back(static_cast<std::uint32_t>(group));
    }
    user->pass_over("username"); // for another system
    user->told_all();
}

CapabilityMask capabilities_in(Fields& sets, const char* name) {
    CapabilityMask mask = 0;
    for (const std::string& word : sets.texts(name)) {
        const auto capability = capability_named(word);
        if (!capability)
            sets.findings().refuse(sets.place_of(name),
                                   "has '" + escaped_for_people(word.substr(0, 40)) + "', which is no capability");
        else
            mask |= capability_bit(*capability);
    }
    return mask;
}

void read_capabilities(Fields& process, BundleReading& reading) {
    auto sets = process.object("capabilities");
    if (!sets)
        return;
    const CapabilityMask bounding = capabilities_in(*sets, "bounding");
    const CapabilityMask ambient = capabilities_in(*sets, "ambient");
    const CapabilityMask inheritable = capabilities_in(*sets, "inheritable");
    for (const char* name : {"effective", "permitted"})
        if (const CapabilityMask outside = capabilities_in(*sets, name) & ~bounding; outside != 0)
            reading.findings.refuse(sets->place_of(name),
                                    "has " + capability_list(outside) + ", which is not in the bounding set");
    // A program that is executed gets them only by file capabilities (CVE-2022-24769).
    if ((inheritable & ~ambient) != 0)
        reading.findings.warn(sets->place_of("inheritable"), "is kept for the ambient ones only");
    reading.bundle.settings.capabilities =
        CapabilitySettings{.add = bounding, .drop = all_capabilities & ~bounding, .ambient = ambient};
    sets->told_all();
}

void read_limits(Fields& process, BundleReading& reading) {
    for (Fields& limit : process.objects("rlimits")) {
        const std::string type = limit.text("type").value_or("");
        const auto resource = type.starts_with("RLIMIT_") ? limit_named(type) : std::nullopt;
        const auto soft = limit.natural("soft");
        const auto hard = limit.natural("hard");
        limit.told_all();
        if (!resource || !soft || !hard || *soft > *hard) {
            reading.findings.refuse(limit.place_of("type"), "is no limit with a soft and a hard value");
            continue;
        }
        reading.bundle.settings.limits[static_cast<std::size_t>(*resource)] = LimitSetting{*soft, *hard};
    }
}

} // namespace

void read_process(Fields process, BundleReading& reading) {
    read_command(process, reading);
    read_environment(process, reading);
    read_user(process, reading);
    read_capabilities(process, reading);
    read_limits(process, reading);
    if (!process.flag("terminal").value_or(false))
        reading.bundle.settings.console = ConsoleSetting::pipe;
    reading.bundle.settings.no_new_privileges = process.flag("noNewPrivileges");
    if (const auto score = process.number("oomScoreAdj")) {
        if (*score < -1000 || *score > 1000)
            reading.findings.refuse(process.place_of("oomScoreAdj"), "is no number from -1000 to 1000");
        else
            reading.bundle.settings.oom_score_adjust = static_cast<int>(*score);
    }
    process.pass_over("consoleSize"); // the terminal's size is the caller's
    for (const char* name : {"apparmorProfile", "selinuxLabel"})
        process.not_done(name, "is not applied");
    read_scheduling(process, reading);
    process.told_all();
}

} // namespace machinist::oci
