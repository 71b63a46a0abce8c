// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/process_tree.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/cgroup_members.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "kernel/separate_process.hpp"
#include "registry/machine_control.hpp"

#include <fcntl.h>
#include <map>

namespace machinist {

namespace {

constexpr std::size_t usual_command_line = 200;
constexpr std::size_t longest_command_line = 65536;
constexpr std::size_t most_lines = 500;
constexpr std::chrono::milliseconds patience{2000};

struct Group {
    std::vector<pid_t> processes;
    std::map<std::string, Group> below;

    [[nodiscard]] bool is_empty() const {
        for (const auto& [name, group] : below)
            if (!group.is_empty())
                return false;
        return processes.empty();
    }
};

std::string command_line_of(pid_t pid, bool full) {
    std::string words;
    if (const auto file = open_path_if_exists("/proc/" + std::to_string(pid) + "/cmdline", O_RDONLY))
        words = read_all(*file, full ? longest_command_line : usual_command_line);
    while (words.ends_with('\0'))
        words.pop_back();
    if (words.empty())
        return "[" + escaped_for_people(read_process_status(pid).name) + "]";
    for (char& byte : words)
        if (byte == '\0')
            byte = ' ';
    return escaped_for_people(words);
}

void add_lines(const Group& group, const std::string& margin, bool full, std::size_t& left, std::string& text) {
    std::vector<std::pair<std::string, const Group*>> entries;
    for (const auto& [name, below] : group.below)
        if (!below.is_empty())
            entries.emplace_back(escaped_for_people(name), &below);
    for (const pid_t pid : group.processes) {
        try {
            entries.emplace_back(std::to_string(pid) + " " + command_line_of(pid, full), nullptr);
        } catch (const Failure&) {
            continue; // it has ended meanwhile
        }
    }
    for (std::size_t at = 0; at < entries.size() && left > 0; ++at, --left) {
        const bool last = at + 1 == entries.size();
        text.append(margin).append(last ? "└─" : "├─").append(entries[at].first).append("\n");
        if (entries[at].second)
            add_lines(*entries[at].second, margin + (last ? "  " : "│ "), full, left, text);
    }
}

std::string draw(const std::filesystem::path& top, const std::string& margin, bool full) {
    Group root;
    for (CgroupProcesses& members : processes_below(top)) {
        Group* group = &root;
        for (const auto& part : members.group.lexically_relative(top))
            if (part != ".")
                group = &group->below[part.string()];
        group->processes = std::move(members.processes);
    }
    std::string text;
    std::size_t left = most_lines;
    add_lines(root, margin, full, left, text);
    return text;
}

} // namespace

std::string process_tree(const Machine& machine, const std::string& margin, bool full) {
    const auto group = payload_cgroup(machine);
    if (!group)
        return {};
    // A process can keep its command line in memory that answers when it likes.
    return find_out_apart([&] { return draw(*group, margin, full); }, patience).value_or("");
}

} // namespace machinist
