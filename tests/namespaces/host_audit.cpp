// SPDX-License-Identifier: LGPL-2.1-or-later
#include "namespaces/host_audit.hpp"

#include "namespaces/minimal_tree.hpp"
#include "namespaces/program.hpp"
#include "spec/run_directory.hpp"

#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace machinist::test {
namespace {

void find_mounts(const std::string& name, const fs::path& workplace, std::vector<std::string>& found) {
    std::ifstream table{"/proc/self/mountinfo"};
    for (std::string line; std::getline(table, line);)
        if (line.find(name) != std::string::npos || line.find(workplace.string()) != std::string::npos)
            found.push_back("mount: " + line);
}

void find_files(const std::string& name, const fs::path& directory, std::vector<std::string>& found) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{directory, ignored})
        if (entry.path().filename().string().find(name) != std::string::npos && entry.path().extension() != ".nspawn")
            found.push_back("file: " + entry.path().string());
}

void find_cgroups(const std::string& name, std::vector<std::string>& found) {
    std::error_code ignored;
    for (const char* hierarchy : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"})
        if (fs::exists(fs::path{hierarchy} / "cgroup.procs"))
            for (auto entry = fs::recursive_directory_iterator{hierarchy, fs::directory_options::skip_permission_denied,
                                                               ignored};
                 entry != fs::recursive_directory_iterator{}; entry.increment(ignored))
                if (entry->is_directory(ignored) && entry->path().filename().string().find(name) != std::string::npos)
                    found.push_back("cgroup: " + entry->path().string());
}

void find_processes(const std::string& name, const fs::path& workplace, std::vector<std::string>& found) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{"/proc", ignored}) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(::getpid()))
            continue;
        const std::string command = text_of(entry.path() / "cmdline"),
                          root = fs::read_symlink(entry.path() / "root", ignored);
        if (command.find(name) != std::string::npos || root.find(workplace.string()) != std::string::npos)
            found.push_back("process: " + pid + " " + command);
    }
}

std::vector<std::string> look(const std::string& name, const fs::path& workplace) {
    std::vector<std::string> found;
    find_mounts(name, workplace, found);
    find_cgroups(name, found);
    find_processes(name, workplace, found);
    for (const fs::path& directory : {fs::path{run_directory::root}, fs::path{run_directory::state_files},
                                      fs::path{"/run/machinist"}, fs::path{"/run/machinist/staging"},
                                      fs::path{"/run/systemd/nspawn"}, fs::path{"/run/systemd/nspawn/propagate"},
                                      workplace, fs::path{"/var/lib/machinist"}, fs::path{"/var/lib/machinist/layers"}})
        find_files(name, directory, found);
    // Layers and work directories beside a tree carry its name behind a dot.
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{workplace, ignored})
        if (entry.path().filename().string().starts_with(".#"))
            found.push_back("file: " + entry.path().string());
    return found;
}

} // namespace

std::vector<std::string> remnants_of(const std::string& name, const fs::path& workplace) {
    // What is removed behind a rename, or waits for its last reader, may take a moment.
    std::vector<std::string> found;
    eventually([&] { return (found = look(name, workplace)).empty(); }, 3s);
    return found;
}

std::vector<std::string> processes_of(const std::string& name) {
    std::vector<std::string> found;
    find_processes(name, "/nowhere", found);
    return found;
}

std::string fingerprint_of_host() {
    std::ostringstream text;
    for (const char* path : {"/dev", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
                             "/dev/ptmx", "/dev/pts", "/dev/console", "/run", "/tmp", "/proc/sys/kernel"}) {
        struct stat status {};
        ::stat(path, &status);
        text << path << ' ' << std::oct << status.st_mode << std::dec << ' ' << status.st_rdev << ' ' << status.st_uid
             << ' ' << status.st_gid << '\n';
    }
    for (const char* path :
         {"/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/proc/sys/kernel/core_pattern",
          "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/random/boot_id", "/etc/machine-id", "/etc/resolv.conf",
          "/etc/hostname", "/etc/passwd", "/proc/self/oom_score_adj"})
        text << path << ' ' << text_of(path) << '\n';
    return text.str();
}

} // namespace machinist::test
