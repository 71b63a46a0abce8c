// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/json_text.hpp"
#include "cli/control/size_text.hpp"
#include "image/admission.hpp"
#include "image/disk_image.hpp"
#include "image/disk_visit.hpp"
#include "image/image_facts_reader.hpp"
#include "image/pool.hpp"
#include "image/stack.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace machinist {

namespace {

constexpr std::array<std::pair<MachineIdState, const char*>, 4> id_states{{{MachineIdState::missing, "missing"},
                                                                           {MachineIdState::unset, "unset"},
                                                                           {MachineIdState::valid, "set"},
                                                                           {MachineIdState::unreadable, "unreadable"}}};

std::string state_of_id(const ImageFacts& facts) {
    for (const auto& [state, name] : id_states)
        if (state == facts.machine_id_state)
            return name;
    return {};
}

std::string value_of(const std::map<std::string, std::string>& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
}

// A row is a name and either text, a number, a truth or a list: the same for people and for programs.
class Report {
public:
    void text(const char* name, const char* key, const std::string& value) {
        if (!value.empty())
            add(name, key, escaped_for_people(value), json_string(value));
        else
            add("", key, "", "null");
    }
    void number(const char* name, const char* key, std::uint64_t value, const std::string& shown = "") {
        add(name, key, shown.empty() ? std::to_string(value) : shown, std::to_string(value));
    }
    void truth(const char* name, const char* key, bool value) {
        add(name, key, value ? "yes" : "no", value ? "true" : "false");
    }
    void list(const char* name, const char* key, const std::vector<std::string>& values) {
        std::string json;
        std::string shown;
        for (const std::string& value : values) {
            json.append(json.empty() ? "" : ",").append(json_string(value));
            shown.append(shown.empty() ? "" : "\n" + std::string(width + 2, ' ')).append(escaped_for_people(value));
        }
        add(values.empty() ? "" : name, key, shown, "[" + json + "]");
    }
    void print(const Invocation& call) const {
        if (call.output == OutputMode::text)
            std::fputs(text_.c_str(), stdout);
        else
            std::printf("{%s%s%s}\n", call.output == OutputMode::json_pretty ? "\n\t" : "", json_.c_str(),
                        call.output == OutputMode::json_pretty ? "\n" : "");
    }
    explicit Report(bool pretty) : separator_(pretty ? ",\n\t" : ",") {}

private:
    static constexpr std::size_t width = 16;
    void add(const std::string& name, const char* key, const std::string& shown, const std::string& json) {
        json_.append(json_.empty() ? "" : separator_).append(json_string(key)).append(":").append(json);
        if (!name.empty())
            text_.append(width - name.size(), ' ').append(name).append(": ").append(shown).append("\n");
    }
    std::string separator_;
    std::string text_;
    std::string json_;
};

void report(const PoolImage& image, const Admission& found, const Invocation& call) {
    const ImageFacts& facts = found.facts;
    Report report{call.output == OutputMode::json_pretty};
    report.text("Image", "name", image.name);
    report.text("Path", "path", image.path.native());
    report.text("Type", "type", std::string{name_of(image_type_names, image.type)});
    report.truth("Will boot", "will_boot", found.will_boot());
    report.list("Because", "obstacles", found.obstacles);
    report.list("Mind", "warnings", found.warnings);
    report.text("OS", "os", value_of(facts.os_release, "PRETTY_NAME"));
    report.text("OS id", "os_id", value_of(facts.os_release, "ID"));
    report.text("OS version", "os_version", value_of(facts.os_release, "VERSION_ID"));
    report.text("Architecture", "architecture", facts.architecture);
    report.text("Init", "init", facts.init.kind);
    report.text("Init path", "init_path", facts.init.path);
    report.text("Init version", "init_version", found.init_version);
    report.text("Machine ID", "machine_id_state", state_of_id(facts));
    report.text("Network", "network_manager", found.network_manager);
    report.number("Units", "units", found.units);
    report.truth("Merged /usr", "merged_usr", found.merged_usr);
    report.number("Packages", "packages", found.packages);
    report.number("Entries", "entries", found.entries);
    report.number("Size", "bytes", found.bytes, size_text(found.bytes));
    report.list("Setuid files", "setuid_files", found.setuid_files);
    report.list("Capable files", "capable_files", found.capable_files);
    report.number("Device nodes", "device_nodes", found.device_nodes);
    report.number("Foreign owners", "foreign_owners", found.foreign_owners);
    report.print(call);
}

Admission examine_disk(const PoolImage& image) {
    ImageFacts facts;
    facts.directory = image.path;
    facts.exists = true;
    facts.read_only = image.read_only;
    facts.disk = inspect_disk(image.path);
    const DiskVisit visit{image.path, *facts.disk};
    read_tree_facts(visit.root(), {}, facts);
    return examine(visit.root(), facts);
}

} // namespace

int check_images(const Invocation& call, const MachineStore&) {
    const PoolImage image = Pool{}.get(call.words[0]);
    const Admission found = image.type == ImageType::raw || image.type == ImageType::block
                                ? examine_disk(image)
                                : examine(open_image_tree(image.path), read_image_facts(image.path));
    report(image, found, call);
    return found.will_boot() ? 0 : 1;
}

} // namespace machinist
