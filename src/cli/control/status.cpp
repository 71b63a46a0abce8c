// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"
#include "cli/control/clock_text.hpp"
#include "cli/control/process_tree.hpp"
#include "cli/control/properties.hpp"
#include "cli/control/verbs.hpp"
#include "kernel/process_status.hpp"
#include "registry/machine_facts.hpp"

#include <cstdio>

namespace machinist {

namespace {

constexpr std::size_t width = 16; // of the names, right-aligned

class Lines {
public:
    void add(const std::string& name, const std::string& value) {
        if (value.empty())
            return;
        text_.append(width > name.size() ? width - name.size() : 0, ' ')
            .append(name)
            .append(": ")
            .append(value)
            .append("\n");
    }
    void add_more(const std::string& value) {
        text_.append(width + 2, ' ').append(value).append("\n");
    }
    void add_raw(const std::string& lines) {
        text_ += lines;
    }
    [[nodiscard]] const std::string& text() const {
        return text_;
    }

private:
    std::string text_;
};

std::string value_of(const std::map<std::string, std::string>& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : escaped_for_people(found->second);
}

std::string since(const Machine& machine) {
    const std::uint64_t began = machine.record.realtime;
    const std::uint64_t now = realtime_now();
    if (began == 0)
        return {};
    return timestamp_text(began) + "; " + span_text(now > began ? now - began : 0) + " ago";
}

std::string describe_one(const Machine& machine) {
    const MachineRecord& record = machine.record;
    const MachineFacts facts = read_machine_facts(machine, {.os_release = true, .addresses = true, .init = true});
    Lines lines;
    lines.add_raw(machine.name() + (record.id ? "(" + record.id->plain() + ")" : "") + "\n");
    lines.add("Since", since(machine));
    lines.add("Leader",
              std::to_string(record.leader) + " (" + escaped_for_people(read_process_status(record.leader).name) + ")");
    if (record.supervisor > 0)
        lines.add("Supervisor", std::to_string(record.supervisor));
    lines.add("Service",
              escaped_for_people(record.service) +
                  (record.machine_class.empty() ? "" : "; class " + escaped_for_people(record.machine_class)));
    lines.add("Root", escaped_for_people(record.root));
    lines.add("Layer", escaped_for_people(layer_text(machine)));
    lines.add("Users", user_namespace_text(machine));
    for (std::size_t at = 0; at < facts.addresses.size(); ++at)
        if (at == 0)
            lines.add("Address", facts.addresses[at]);
        else
            lines.add_more(facts.addresses[at]);
    lines.add("OS", value_of(facts.os_release, "PRETTY_NAME"));
    lines.add("Init", machine.spec && machine.spec->payload.mode != StartMode::boot ? "none" : facts.init);
    lines.add("State", std::string{machine.state()} + (machine.is_ready() ? ", ready" : ""));
    lines.add("Status", value_of(machine.notifications, "STATUS"));
    lines.add("Unit", escaped_for_people(record.scope));
    const std::string tree = process_tree(machine, std::string(width + 2, ' '));
    if (!tree.empty())
        lines.add("Processes", "\n" + tree.substr(0, tree.size() - 1));
    return lines.text();
}

} // namespace

int show_status(const Invocation& call, const MachineStore& machines) {
    std::vector<std::string> texts;
    for (const std::string& name : call.words)
        texts.push_back(describe_one(machines.get(name)));
    std::fputs(joined(texts, "\n").c_str(), stdout);
    return 0;
}

} // namespace machinist
