// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/audit.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "registry/remnants.hpp"
#include "registry/run_directory_view.hpp"

#include <fcntl.h>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

struct Process {
    std::string number;
    std::filesystem::path directory; // in /proc
    std::string program;             // last part of its path; "" if it cannot be seen
};

std::string link_of(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::read_symlink(path, ignored).string();
}

std::vector<Process> all_processes() {
    std::vector<Process> processes;
    for (const std::string& name : names_in("/proc")) {
        if (!parse_integer<pid_t>(name))
            continue;
        const std::filesystem::path directory = std::filesystem::path{"/proc"} / name;
        std::string program = link_of(directory / "exe");
        constexpr std::string_view gone = " (deleted)";
        if (program.ends_with(gone))
            program.resize(program.size() - gone.size());
        processes.push_back({name, directory, std::filesystem::path{program}.filename().string()});
    }
    return processes;
}

std::string text_of(const std::filesystem::path& path) {
    try {
        return read_file_if_exists(path).value_or("");
    } catch (const Failure&) {
        return {}; // the process has ended
    }
}

// A mount point in mountinfo: blanks and the like are octal escapes.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto code = text[at] == '\\' && at + 3 < text.size() ? parse_integer<unsigned>(text.substr(at + 1, 3), 8)
                                                                   : std::nullopt;
        plain += code ? static_cast<char>(*code) : text[at];
        at += code ? 3 : 0;
    }
    return plain;
}

// The whole table of one mount namespace.
void add_mounts(const Process& process, bool ours, const Places& places, std::vector<Finding>& found) {
    const std::string runtime = places.runtime.string() + "/";
    const std::string table = text_of(process.directory / "mountinfo");
    for (const std::string_view line : split(table, '\n')) {
        const auto words = split_words(line, " ");
        if (words.size() < 5)
            continue;
        const std::string point = unescaped(words[4]);
        const bool in_layer = line.find("upperdir=" + places.layers.string() + "/") != std::string_view::npos;
        // Elsewhere than with us a layer is some machine's root, and that machine may well run.
        if (!point.starts_with(runtime) && !(in_layer && ours))
            continue;
        if (ours)
            found.push_back({"mount", point, "nothing of a machine is mounted for the host", "umount " + point});
        else
            found.push_back({"mount", point, "process " + process.number + " keeps it in its mount namespace",
                             "kill " + process.number});
    }
}

void add_all_mounts(const std::vector<Process>& processes, const Places& places, std::vector<Finding>& found) {
    const std::string ours = link_of("/proc/self/ns/mnt");
    add_mounts({"self", "/proc/self", ""}, true, places, found);
    const std::string our_processes = link_of("/proc/self/ns/pid");
    std::set<std::string> seen{ours, ""};
    // While a launcher works, its namespace is as it should be.
    for (const Process& process : processes)
        if (process.program == "machinist")
            seen.insert(link_of(process.directory / "ns/mnt"));
    // What a machine mounts for machines of its own is its own business.
    for (const Process& process : processes)
        if (link_of(process.directory / "ns/pid") == our_processes &&
            seen.insert(link_of(process.directory / "ns/mnt")).second)
            add_mounts(process, false, places, found);
}

// A supervisor holds the lock of its machine's run directory open; that of a removed one is called "... (deleted)".
bool keeps_something(const Process& process) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(process.directory / "fd", ignored))
        if (link_of(entry.path()).ends_with("/lock"))
            return true;
    return ignored.value() != 0; // it ended, or we may not look
}

void add_supervisors(const std::vector<Process>& processes, std::vector<Finding>& found) {
    for (const Process& process : processes)
        if (process.program == "machinist-supervisor" && !keeps_something(process))
            found.push_back({"process", process.number, "this supervisor keeps no machine", "kill " + process.number});
}

void add_remnants(const Places& places, std::vector<Finding>& found) {
    for (const Remnant& remnant : find_remnants(places))
        found.push_back({std::string{name_of(remnant_kind_names, remnant.kind)}, remnant.path.string(), remnant.why,
                         "machinist gc"});
}

} // namespace

std::vector<Finding> audit(const Places& places) {
    std::vector<Finding> found;
    add_remnants(places, found);
    const auto processes = all_processes();
    add_all_mounts(processes, places, found);
    add_supervisors(processes, found);
    return found;
}

} // namespace machinist
