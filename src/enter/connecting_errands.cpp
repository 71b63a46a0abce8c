// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "enter/arrival.hpp"
#include "enter/errands.hpp"
#include "enter/machine_terminal.hpp"
#include "enter/report.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
#include "kernel/pty.hpp"
#include "kernel/sockets.hpp"
#include "spec/errand.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

constexpr const char* bus_socket = "run/dbus/system_bus_socket";

UniqueFd connect_to(BorrowedFd socket_file) {
    UniqueFd connection{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // By the descriptor: no name of the machine's is looked up again, and none leads to files of this process.
    path_of_descriptor(socket_file).copy(address.sun_path, sizeof address.sun_path - 1);
    if (!connection || ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        throw system_failure("connect to the machine's system bus");
    return connection;
}

[[noreturn]] void connect_in_child(const Order& order, const LeaderView& leader, BorrowedFd tell) {
    try {
        const UniqueFd file = open_beneath(leader.root, bus_socket, O_PATH, Links::inside_root);
        if (!S_ISSOCK(status_of(file).st_mode))
            throw Failure{FailureKind::hostile, "the machine's system bus is no socket"};
        become_machine_root(order, leader);
        const UniqueFd connection = connect_to(file);
        send_message(tell, done_message(""), {connection.get()});
    } catch (const Failure& failure) {
        send_message(tell, failed_message(failure));
    }
    ::_exit(EXIT_SUCCESS);
}

std::string name_of_slave(BorrowedFd master) {
    return "/dev/pts/" + std::to_string(pty_number(master));
}

} // namespace

ErrandResult open_machine_pty(const Order& order, const LeaderView& leader) {
    const MachineRoot root = root_of_machine(order, leader);
    const FilesystemIds as_machine_root{root.uid, root.gid};
    ErrandResult result;
    result.descriptors.push_back(open_master_in_machine(leader.root));
    result.text = name_of_slave(result.descriptors.front());
    return result;
}

ErrandResult start_on_pty(const Order& order, const LeaderView& leader) {
    const Arrival newcomer = start_newcomer(order, leader);
    Report ready = receive_report(newcomer.told);
    if (ready.failure)
        throw std::move(*ready.failure);
    if (ready.end || ready.streams.size() != 1)
        throw Failure{FailureKind::hostile, "the process that entered the machine handed over no terminal"};
    let_go_on(newcomer.told);
    if (Report begun = receive_report(newcomer.told); begun.failure)
        throw std::move(*begun.failure);
    // It has no parent on the host any more once this process ends, and is then the machine's own.
    ErrandResult result;
    result.descriptors = std::move(ready.streams);
    result.text = name_of_slave(result.descriptors.front());
    return result;
}

ErrandResult connect_to_bus(const Order& order, const LeaderView& leader) {
    auto [ours, theirs] = make_message_socket_pair();
    // The bus asks the kernel who connects, and knows only users and processes of the machine.
    if ((leader.namespaces & CLONE_NEWPID) != 0 && ::setns(order.leader.descriptor().get(), CLONE_NEWPID) < 0)
        throw system_failure("join its process ids");
    const pid_t pid = ::fork();
    if (pid < 0)
        throw system_failure("start a process in it");
    if (pid == 0)
        connect_in_child(order, leader, theirs);
    theirs.reset();
    ReceivedMessage message = receive_message(ours);
    return {.text = read_errand_message(message.bytes), .descriptors = std::move(message.descriptors)};
}

} // namespace machinist::enter
