// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/properties.hpp"

#include "base/text.hpp"
#include "registry/machine_control.hpp"
#include "registry/machine_facts.hpp"
#include "registry/run_directory_view.hpp"

namespace machinist {

namespace {

std::string told(const Machine& machine, const char* name) {
    const auto found = machine.notifications.find(name);
    return found == machine.notifications.end() ? "" : found->second;
}

} // namespace

std::string layer_text(const Machine& machine) {
    if (!machine.spec || machine.spec->root.layer == LayerKind::none)
        return {};
    std::string text{name_of(layer_kind_names, machine.spec->root.layer)};
    const auto view = RunDirectoryView::open(machine.run_directory);
    for (const std::string& line : view ? view->undo_lines() : std::vector<std::string>{})
        for (const std::string_view verb : {"tree ", "subvolume "})
            if (line.starts_with(verb))
                return text + " (" + line.substr(verb.size()) + ")";
    return text;
}

std::string user_namespace_text(const Machine& machine) {
    const auto shift = read_id_shift(machine);
    return shift ? std::to_string(shift->base) + ":" + std::to_string(shift->size) : "none";
}

Properties own_properties_of(const Machine& machine) {
    const auto group = payload_cgroup(machine);
    return {{"Layer", layer_text(machine)},
            {"UserNamespace", user_namespace_text(machine)},
            {"RunDirectory", machine.run_directory.string()},
            {"PayloadCGroup", group ? group->string() : ""},
            {"Ready", machine.is_ready() ? "yes" : "no"},
            {"StatusText", told(machine, "STATUS")},
            {"Hostname", told(machine, "X_SYSTEMD_HOSTNAME")}};
}

} // namespace machinist
