// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/registration.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace machinist {

namespace {

constexpr std::size_t longest_service = 256;
constexpr std::size_t longest_path = 4096;
constexpr std::size_t most_interfaces = 4096;

[[noreturn]] void refuse(const std::string& sentence) {
    throw Failure{FailureKind::invalid, sentence};
}

std::optional<MachineId> id_of(const std::vector<std::uint8_t>& bytes) {
    if (bytes.empty())
        return std::nullopt;
    if (bytes.size() != 16)
        refuse("Invalid machine ID parameter: " + std::to_string(bytes.size()) + " bytes, 16 or none are expected");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes)
        text.append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    return MachineId::parse(text); // nothing for all zero
}

void want_text(const std::string& text, std::size_t longest, const char* what) {
    if (text.size() > longest || has_control_characters(text))
        refuse(std::string{"Invalid "} + what + ": it is too long or holds control characters");
}

void want_path_or_none(const std::string& path, const char* what) {
    if (path.empty())
        return;
    if (path.front() != '/' || path.size() >= longest_path || has_control_characters(path))
        refuse(std::string{what} + " must be empty or an absolute path");
}

uid_t owner_of(pid_t process) {
    struct stat status {};
    // The directory of a process that dropped its dumpable flag belongs to root: then only root may register it.
    if (::stat(("/proc/" + std::to_string(process)).c_str(), &status) < 0)
        throw Failure{FailureKind::invalid, "Invalid leader PID: process " + std::to_string(process) + " is gone"};
    return status.st_uid;
}

Pidfd leader_of(RegistrationRequest& request, const Registrant& registrant) {
    if (request.leader_held)
        return std::move(*request.leader_held);
    if (request.leader == 1 || request.leader > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max()))
        refuse("Invalid leader PID: " + std::to_string(request.leader));
    const pid_t number = request.leader == 0 ? registrant.pid : static_cast<pid_t>(request.leader);
    if (number <= 0)
        refuse("Invalid leader PID: the caller's own process is not known");
    auto process = Pidfd::open(number);
    if (!process)
        refuse("Invalid leader PID: there is no process " + std::to_string(number));
    if (request.leader_pidfd_id != 0 && process->inode() != 0 && process->inode() != request.leader_pidfd_id)
        refuse("Invalid leader PID: process " + std::to_string(number) + " is not the one that was meant");
    return std::move(*process);
}

} // namespace

Registration judge(RegistrationRequest request, const Registrant& registrant) {
    const auto name = MachineName::parse(request.name);
    if (!name)
        refuse("Invalid machine name: '" + escaped_for_people(request.name.substr(0, 100)) + "'");
    if (!request.machine_class.empty() && request.machine_class != "container" && request.machine_class != "vm")
        refuse("Invalid machine class parameter: '" + escaped_for_people(request.machine_class.substr(0, 100)) + "'");
    want_text(request.service, longest_service, "service");
    want_path_or_none(request.root, "Root directory");
    want_path_or_none(request.ssh_private_key_path, "SSH private key path");
    want_text(request.ssh_address, longest_path, "SSH address");
    want_text(request.control_address, longest_path, "control address");
    if (request.network_interfaces.size() > most_interfaces)
        refuse(std::to_string(request.network_interfaces.size()) +
               " network interfaces are more than a machine can have");
    for (const std::int32_t index : request.network_interfaces)
        if (index <= 0)
            refuse("Invalid network interface index " + std::to_string(index));

    Registration wanted;
    MachineRecord& record = wanted.record;
    record.name = *name;
    record.id = id_of(request.id);
    wanted.leader = leader_of(request, registrant);
    if (wanted.leader.pid() <= 1)
        refuse("Invalid leader PID: " + std::to_string(wanted.leader.pid()));
    if (!wanted.leader.alive())
        refuse("Invalid leader PID: process " + std::to_string(wanted.leader.pid()) + " has ended");
    if (registrant.uid != 0 && owner_of(wanted.leader.pid()) != registrant.uid)
        throw Failure{FailureKind::not_permitted, "Only root may register machines for other users"};
    record.uid = registrant.uid;
    record.service = std::move(request.service);
    record.machine_class = std::move(request.machine_class);
    record.root = std::move(request.root);
    record.leader = wanted.leader.pid();
    record.leader_pidfd_id = wanted.leader.inode();
    if (registrant.pid > 1 && registrant.pid != record.leader) {
        record.supervisor = registrant.pid;
        if (const auto supervisor = Pidfd::open(registrant.pid))
            record.supervisor_pidfd_id = supervisor->inode();
    }
    record.network_interfaces = std::move(request.network_interfaces);
    std::ranges::sort(record.network_interfaces);
    record.network_interfaces.erase(std::ranges::unique(record.network_interfaces).begin(),
                                    record.network_interfaces.end());
    record.vsock_cid = request.vsock_cid;
    record.ssh_address = std::move(request.ssh_address);
    record.ssh_private_key_path = std::move(request.ssh_private_key_path);
    record.control_address = std::move(request.control_address);
    return wanted;
}

} // namespace machinist
