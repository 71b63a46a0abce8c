// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/host_facts_reader.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/os_release.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <climits>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int most_capabilities = 64;
constexpr pid_t first_process = 1;

std::map<std::string, std::string> read_environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        // As getenv(3): the first of several counts.
        if (equals != std::string_view::npos)
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

std::map<std::string, std::string> read_os_release(const std::filesystem::path& root) {
    for (const char* path : {"etc/os-release", "usr/lib/os-release"})
        if (const auto text = read_file_if_exists(root / path))
            return parse_os_release(*text).value_or(std::map<std::string, std::string>{});
    return {};
}

std::string read_hostname() {
    char name[HOST_NAME_MAX + 1]{};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

std::filesystem::path read_working_directory() {
    std::error_code error;
    auto directory = std::filesystem::current_path(error);
    return error ? std::filesystem::path{} : directory;
}

std::uint64_t read_bounding_capabilities() {
    std::uint64_t set = 0;
    for (int capability = 0; capability < most_capabilities; ++capability) {
        const int has = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (has < 0)
            break; // the last one the kernel knows was before
        set |= std::uint64_t{has != 0} << capability;
    }
    return set;
}

// Of another user's process 1 an unprivileged caller learns nothing; its own limits came from there.
void read_limit(decltype(RLIMIT_NPROC) resource, std::uint64_t& soft, std::uint64_t& hard) {
    struct rlimit limit {};
    if (::prlimit(first_process, resource, nullptr, &limit) < 0 && ::getrlimit(resource, &limit) < 0)
        return;
    soft = limit.rlim_cur;
    hard = limit.rlim_max;
}

std::uint64_t read_nr_open(std::uint64_t otherwise) {
    const auto text = read_file_if_exists("/proc/sys/fs/nr_open");
    return text ? parse_integer<std::uint64_t>(trimmed(*text)).value_or(otherwise) : otherwise;
}

int read_cpu_count() {
    const auto text = read_file_if_exists("/sys/devices/system/cpu/online");
    const auto list = text ? parse_cpu_list(trimmed(*text)) : std::nullopt;
    return list ? list->back() + 1 : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

// Its filesystem is there only if it was not switched off at boot.
bool runs_selinux() {
    const auto known = read_file_if_exists("/proc/filesystems");
    return known && known->find("\tselinuxfs\n") != std::string::npos;
}

bool is_there(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
}

// Its file may have stayed from an earlier run: somebody must answer on 127.0.0.53, too.
bool has_resolved_stub(const std::filesystem::path& root) {
    if (!is_there(root / "run/systemd/resolve/stub-resolv.conf"))
        return false;
    const auto sockets = read_file_if_exists(root / "proc/net/udp");
    return sockets && sockets->find(" 3500007F:0035 ") != std::string::npos;
}

void read_timezone(const std::filesystem::path& root, HostFacts& facts) {
    const auto path = root / "etc/localtime";
    facts.has_localtime = is_there(path);
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(path, error).string();
    if (error)
        return;
    facts.localtime_is_symlink = true;
    constexpr std::string_view folder = "zoneinfo/";
    if (const auto found = target.find(folder); found != std::string::npos)
        facts.timezone_name = target.substr(found + folder.size());
}

std::optional<MachineId> read_machine_id(const std::filesystem::path& root) {
    const auto text = read_file_if_exists(root / "etc/machine-id");
    return text ? MachineId::parse(trimmed(*text)) : std::nullopt;
}

} // namespace

HostFacts read_host_facts(const WantedHostFacts& wanted) {
    HostFacts facts;
    facts.caller_uid = ::geteuid();
    facts.working_directory = read_working_directory();
    facts.hostname = read_hostname();
    facts.environment = read_environment();
    facts.os_release = read_os_release(wanted.root);
    facts.machine_id = read_machine_id(wanted.root);
    facts.stdin_is_terminal = ::isatty(STDIN_FILENO) == 1;
    facts.stdout_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    facts.bounding_capabilities = read_bounding_capabilities();
    facts.nr_open = read_nr_open(facts.nr_open);
    read_limit(RLIMIT_NPROC, facts.pid1_nproc_soft, facts.pid1_nproc_hard);
    read_limit(RLIMIT_SIGPENDING, facts.pid1_sigpending_soft, facts.pid1_sigpending_hard);
    facts.cpu_count = read_cpu_count();
    facts.has_selinux = runs_selinux();
    facts.resolved_stub = has_resolved_stub(wanted.root);
    facts.has_resolv_conf = is_there(wanted.root / "etc/resolv.conf");
    read_timezone(wanted.root, facts);
    if (wanted.machine)
        facts.journal_directory_of_machine = is_there(wanted.root / "var/log/journal" / wanted.machine->plain());
    return facts;
}

} // namespace machinist
