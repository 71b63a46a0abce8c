// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/host_checks.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cdi/cdi_search.hpp"
#include "cli/control/service_client.hpp"
#include "image/id_range_store.hpp"
#include "image/pool.hpp"
#include "kernel/files.hpp"

#include <sys/utsname.h>
#include <unistd.h>

namespace machinist {

namespace {

using Findings = std::vector<Finding>;

bool is_there(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

void check_kernel(Findings& findings) {
    utsname host{};
    if (::uname(&host) != 0)
        return;
    constexpr int major = 5;
    constexpr int minor = 12; // idmapped mounts
    const auto numbers = split(host.release, '.');
    const int first = numbers.empty() ? 0 : parse_integer<int>(numbers[0]).value_or(major + 1);
    const int second = numbers.size() < 2 ? 0 : parse_integer<int>(numbers[1]).value_or(0);
    if (first < major || (first == major && second < minor))
        findings.push_back({"kernel", host.release, "it is older than Linux 5.12", "a newer kernel"});
    if (trimmed(read_file_if_exists("/proc/sys/user/max_user_namespaces").value_or("1")) == "0")
        findings.push_back({"kernel", "/proc/sys/user/max_user_namespaces", "machines cannot have users of their own",
                            "'sysctl user.max_user_namespaces=65536'"});
    const std::string filesystems = read_file_if_exists("/proc/filesystems").value_or("\toverlay\n");
    if (filesystems.find("\toverlay\n") == std::string::npos &&
        !is_there(std::string{"/lib/modules/"} + host.release + "/kernel/fs/overlayfs"))
        findings.push_back({"kernel", "overlay", "the filesystem is missing that throw-away layers are made of",
                            "a kernel with overlayfs"});
}

void check_cgroups(Findings& findings, const Places& places) {
    if (places.cgroups.empty())
        findings.push_back({"cgroup", "/sys/fs/cgroup", "no hierarchy of cgroup v2 is mounted",
                            "the kernel's option systemd.unified_cgroup_hierarchy=1"});
}

void check_users(Findings& findings) {
    const std::string accounts = read_file_if_exists("/etc/passwd").value_or("");
    for (const std::string_view line : split(accounts, '\n')) {
        const auto fields = split(line, ':');
        const auto number = fields.size() < 3 ? std::nullopt : parse_integer<std::uint32_t>(fields[2]);
        if (number && *number >= IdRangeStore::first && *number - IdRangeStore::size < IdRangeStore::last)
            findings.push_back({"user", std::string{fields[0]},
                                "its number " + std::string{fields[2]} + " is one of those that machines get",
                                "'usermod --uid=' with a number below " + std::to_string(IdRangeStore::first)});
    }
}

void check_images(Findings& findings) {
    const PoolPlaces places;
    const auto pool = open_path_if_exists(places.new_images, O_PATH | O_DIRECTORY);
    constexpr mode_t of_others = 0077;
    if (pool && (status_of(*pool).st_mode & of_others) != 0)
        findings.push_back({"image", places.new_images.string(),
                            "others than root may look into it, and run programs of images that have privileges",
                            "'chmod 0700 " + places.new_images.string() + "'"});
}

void check_units(Findings& findings, ServiceClient& client) {
    bool is_installed = false;
    for (const char* directory :
         {"/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"})
        is_installed = is_installed || is_there(std::filesystem::path{directory} / "machinist@.service");
    if (!is_installed)
        findings.push_back({"unit", "machinist@.service", "it is not installed", "installing all of machinist"});
    using Row = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string, ObjectPath,
                           std::uint32_t, std::string, ObjectPath>;
    std::vector<Row> failed;
    client.ask(
        {"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
         "ListUnitsByPatterns"},
        [](sd_bus_message* message) {
            wire::put(message, std::vector<std::string>{"failed"});
            wire::put(message, std::vector<std::string>{"machinist@*.service", "machinist-run@*.service",
                                                        "machinistd.service", "machine-*.scope"});
        },
        [&](const Answer& answer) { failed = answer.take<std::vector<Row>>(); });
    for (const Row& row : failed)
        findings.push_back({"unit", std::get<0>(row), "it has failed",
                            "'journalctl --unit=" + std::get<0>(row) + "', and 'systemctl reset-failed'"});
}

void check_service(Findings& findings, ServiceClient& client) {
    if (!client.ask_if_served({our_service, machine1_path, "org.freedesktop.DBus.Peer", "Ping"}, {}))
        findings.push_back({"service", our_service,
                            "nobody serves that name on the bus: who is not root can do nothing",
                            "'systemctl status machinistd', or installing all of machinist"});
    if (!client.ask_if_served({machine1_service, machine1_path, "org.freedesktop.DBus.Peer", "Ping"}, {}))
        findings.push_back({"service", machine1_service, "nobody keeps the list of machines for other programs",
                            "'systemctl enable machinistd'"});
}

void check_polkit(Findings& findings, ServiceClient& client) {
    if (!client.ask_if_served({"org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                               "org.freedesktop.DBus.Peer", "Ping"},
                              {}))
        findings.push_back({"polkit", "org.freedesktop.PolicyKit1",
                            "it does not run: nobody but root can be allowed anything", "installing polkitd"});
    else if (!is_there("/usr/share/polkit-1/actions/io.machinist.policy"))
        findings.push_back({"polkit", "/usr/share/polkit-1/actions/io.machinist.policy",
                            "it is missing: what is machinist's own is refused to all but root",
                            "installing all of machinist"});
}

void check_device_specs(Findings& findings) {
    for (const CdiSpec& spec : read_cdi_specs())
        for (const Problem& problem : spec.problems)
            findings.push_back({"device spec", spec.file.string(), problem.sentence,
                                "having it written again by the program it is of, or removing it"});
}

} // namespace

std::vector<Finding> check_host(const Invocation& call, const Places& places) {
    Findings findings;
    check_kernel(findings);
    check_cgroups(findings, places);
    check_users(findings);
    check_images(findings);
    check_device_specs(findings);
    // Elsewhere nobody expects a bus.
    if (!is_there("/run/systemd/system"))
        return findings;
    const auto client = ServiceClient::connect_if_there(call);
    if (!client) {
        findings.push_back({"service", "/run/dbus/system_bus_socket", "the system bus does not answer",
                            "'systemctl start dbus.socket'"});
        return findings;
    }
    for (const auto check : {check_units, check_service, check_polkit}) {
        try {
            check(findings, *client);
        } catch (const Failure& failure) {
            findings.push_back({"service", "the system bus", failure.what(), "'journalctl --boot'"});
        }
    }
    return findings;
}

} // namespace machinist
