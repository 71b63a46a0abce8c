// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving what of the host's users and devices the machine has, too.
#include "spec/resolving.hpp"

#include "base/text.hpp"
#include "spec/bound_user_records.hpp"

#include <algorithm>
#include <linux/mount.h>
#include <set>

namespace machinist::resolving {

namespace {

// Numbers that systemd keeps for such users: 64 of them.
constexpr std::uint32_t first_id = 60514;
constexpr std::uint32_t last_id = 60577;

// A column of /etc/passwd or /etc/group.
std::set<std::string> column_of(const std::string& text, std::size_t column) {
    std::set<std::string> values;
    for (const std::string_view line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() > column)
            values.emplace(fields[column]);
    }
    return values;
}

struct Taken {
    std::set<std::string> user_names, group_names, ids;
};

std::string shell_of(const Resolving& r, const HostUser& user) {
    const std::string written = r.settings.bound_user_shell.value_or("");
    return written == "yes" ? user.shell : written;
}

void add_user(Resolving& r, const std::string& name, Taken& taken, std::uint32_t& next) {
    const auto refuse = [&](const std::string& why, const std::string& remedy = {}) {
        r.problem("--bind-user", "--bind-user: '" + escaped_for_people(name) + "' " + why, remedy);
    };
    const auto found = r.host.users.find(name);
    if (name == "root" || name == "nobody")
        return refuse("is a user that every machine has itself");
    if (found == r.host.users.end())
        return refuse("is no user of the host");
    const HostUser& user = found->second;
    if (user.uid == 0 || user.group != name)
        return refuse("has no group of the same name of its own", "a user with a private group");
    if (taken.user_names.contains(name) || taken.group_names.contains(name))
        return refuse("is a user or group of the image already");
    while (next <= last_id && taken.ids.contains(std::to_string(next)))
        ++next;
    if (next > last_id)
        return refuse("is one too many: there are " + std::to_string(last_id - first_id + 1) + " numbers for them");
    BoundUser bound{.name = name,
                    .id = next++,
                    .real_name = user.real_name,
                    .home = user.home,
                    .shell = shell_of(r, user),
                    .password = user.password,
                    .ssh_keys = user.ssh_keys,
                    .groups = r.settings.bound_users->groups};
    r.spec.extra_mounts.push_back({.destination = home_in_machine(bound),
                                   .source = {.path = user.home},
                                   .id_mapping = IdMapping::destination_owner,
                                   .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV});
    r.spec.bound_users.push_back(std::move(bound));
}

} // namespace

void bound_users(Resolving& r) {
    const BoundUserSettings written = r.settings.bound_users.value_or(BoundUserSettings{});
    if (written.users.empty()) {
        if (!written.groups.empty() || r.settings.bound_user_shell)
            r.problem(written.groups.empty() ? "--bind-user-shell" : "--bind-user-group",
                      "--bind-user-shell and --bind-user-group are about users that are bound, and none is",
                      "--bind-user=NAME beside it");
        return;
    }
    Taken taken{column_of(r.image.users, 0), column_of(r.image.groups, 0), column_of(r.image.users, 2)};
    taken.ids.merge(column_of(r.image.groups, 2));
    std::uint32_t next = first_id;
    for (const std::string& name : written.users)
        add_user(r, name, taken, next);
}

void devices(Resolving& r) {
    for (const DeviceSetting& device : r.settings.devices.value_or(std::vector<DeviceSetting>{}))
        if (const auto* written = std::get_if<DeviceSpec>(&device))
            r.spec.devices.push_back(*written);
    r.spec.devices.insert(r.spec.devices.end(), r.host.cdi.devices.begin(), r.host.cdi.devices.end());
    for (const DeviceSpec& device : r.spec.devices)
        if (r.spec.users.kind != UserNamespaceKind::none &&
            std::max(device.user.value_or(0), device.group.value_or(0)) >= r.spec.users.size)
            r.problem("--device", "--device: '" + escaped_for_people(device.path.native()) +
                                      "' is to belong to a user that the machine does not have");
}

} // namespace machinist::resolving
