// SPDX-License-Identifier: LGPL-2.1-or-later
// What ssh(1) asks for its connection to a machine, which it takes over from standard output (ProxyUseFdpass). Who may
// log in is for the machine's ssh server to say.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/unix_connection.hpp"
#include "cli/control/verbs.hpp"
#include "kernel/sockets.hpp"

#include <cerrno>
#include <cstdint>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <optional>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr timeval patience{.tv_sec = 10, .tv_usec = 0};
constexpr std::uint16_t usual_port = 22;

const sockaddr* plain(const void* address) {
    return static_cast<const sockaddr*>(address);
}

UniqueFd connect_to_virtual_machine(const MachineRecord& record, std::uint16_t port) {
    if (record.vsock_cid == UINT32_MAX)
        throw Failure{FailureKind::not_supported, "whoever runs it has not told its number for AF_VSOCK"};
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_port = port;
    address.svm_cid = record.vsock_cid;
    UniqueFd socket{::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::connect(socket.get(), plain(&address), sizeof address) < 0)
        throw system_failure("connect over AF_VSOCK");
    return socket;
}

// Where its sockets are shown before and since release 261 of systemd. The last link is not followed: it is a
// machine's.
std::optional<std::string> exported_socket(const std::string& name) {
    for (const std::string& directory : {"unix-export/" + name, name + "/unix-export"}) {
        std::string path = "/run/systemd/nspawn/" + directory + "/ssh";
        struct stat status {};
        if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode))
            return path;
        if (errno == EACCES)
            throw Failure{FailureKind::not_permitted, "look at its sockets: Permission denied"}.try_instead(
                "'sudo ssh'");
    }
    return std::nullopt;
}

ino_t own_network() {
    struct stat status {};
    if (::stat("/proc/self/ns/net", &status) < 0)
        throw system_failure("look at the network namespace");
    return status.st_ino;
}

// A socket belongs to the network that it was made in: from inside, its loopback reaches its server whatever addresses
// it has and whatever lies between.
UniqueFd connect_in_its_network(const Machine& machine, std::uint16_t port) {
    const ino_t ours = own_network();
    if (::setns(machine.leader.descriptor().get(), CLONE_NEWNET) < 0)
        throw system_failure("join its network");
    const char* remedy = "an ssh server in it, or 'machinist shell'";
    if (own_network() == ours)
        throw Failure{FailureKind::not_found, "it offers no socket for ssh, and has no network of its own"}.try_instead(
            remedy);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::connect(socket.get(), plain(&address), sizeof address) < 0)
        throw system_failure("it offers no socket for ssh; connect to its port " + std::to_string(port))
            .try_instead(remedy);
    return socket;
}

UniqueFd connect_to(const Machine& machine, std::uint16_t port) {
    if (machine.record.machine_class == "vm")
        return connect_to_virtual_machine(machine.record, port);
    const auto path = exported_socket(machine.name());
    if (!path)
        return connect_in_its_network(machine, port);
    UniqueFd socket = connect_to_path(*path, patience);
    // ssh has its own.
    constexpr timeval for_ever{};
    for (const int direction : {SO_RCVTIMEO, SO_SNDTIMEO})
        if (::setsockopt(socket.get(), SOL_SOCKET, direction, &for_ever, sizeof for_ever) < 0)
            throw system_failure("set up the connection");
    return socket;
}

// As ssh writes it: "%" where a name must have no slash.
std::string machine_in(const std::string& word) {
    const bool is_prefixed = word.starts_with("machine/") || word.starts_with("machine%");
    return is_prefixed ? word.substr(std::string_view{"machine/"}.size()) : word;
}

} // namespace

int connect_for_ssh(const Invocation& call, const MachineStore& machines) {
    struct stat output {};
    if (::fstat(STDOUT_FILENO, &output) < 0 || !S_ISSOCK(output.st_mode))
        throw Failure{FailureKind::usage, "'ssh-proxy' hands a connection to ssh, and this is not ssh"}.try_instead(
            "'ssh machine/NAME'");
    const auto port = call.words.size() > 1 ? parse_integer<std::uint16_t>(call.words[1]) : usual_port;
    if (port.value_or(0) == 0)
        throw Failure{FailureKind::usage, "'" + call.words[1] + "' is no port"};
    const Machine machine = machines.get(machine_in(call.words[0]));
    const UniqueFd connection =
        doing("reach machine '" + machine.name() + "'", [&] { return connect_to(machine, *port); });
    // ssh wants one byte with it.
    send_message(BorrowedFd{STDOUT_FILENO}, std::string_view{"\0", 1}, {connection.get()});
    return 0;
}

} // namespace machinist
