// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/notify_inside.hpp"

#include "supervisor/keeper/printable.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

namespace machinist::keeper {

namespace {

constexpr std::size_t most_descriptors = 253;
// Messages in a row before others have their turn.
constexpr int rounds = 64;

struct Ancillary {
    pid_t sender = 0;
    std::size_t count = 0;
    int descriptors[most_descriptors];
};

// Not on the stack, whose pages stay with us once a deep call has touched them; here, what is not filled costs nothing.
char message[largest_message];
alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int) * most_descriptors)];
Ancillary found;

void read_ancillary(msghdr& header) {
    found.sender = 0;
    found.count = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET)
            continue;
        const std::size_t size = part->cmsg_len - CMSG_LEN(0);
        if (part->cmsg_type == SCM_CREDENTIALS && size == sizeof(ucred)) {
            ucred sender{};
            std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
            found.sender = sender.pid;
        } else if (part->cmsg_type == SCM_RIGHTS && size <= sizeof found.descriptors) {
            std::memcpy(found.descriptors, CMSG_DATA(part), size);
            found.count = size / sizeof(int);
        }
    }
}

} // namespace

NotifyReceiver::NotifyReceiver(UniqueFd socket, pid_t leader, const ServiceManager& manager)
    : socket_(std::move(socket)), leader_(leader), manager_(manager) {
    // Where the kernel knows it (6.16), descriptors that nobody takes are refused at the sender.
    const int off = 0;
    if (socket_ && !manager_.stores_descriptors())
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
}

void NotifyReceiver::receive(BorrowedFd run_directory) {
    for (int round = 0; socket_ && round < rounds; ++round)
        if (!receive_one())
            break;
    if (fields_.changed())
        fields_.write(run_directory);
}

bool NotifyReceiver::receive_one() {
    iovec text{.iov_base = message, .iov_len = sizeof message};
    msghdr header{};
    header.msg_iov = &text;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return errno == EINTR;

    read_ancillary(header);
    const bool whole = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    if (whole && found.sender == leader_) {
        const NotifyMessage told = fields_.take({message, static_cast<std::size_t>(size)});
        signals_installed_ = signals_installed_ || told.signals_installed;
        pass_on(told, {found.descriptors, found.count});
    }
    for (std::size_t i = 0; i < found.count; ++i)
        ::close(found.descriptors[i]);
    return true;
}

void NotifyReceiver::pass_on(const NotifyMessage& told, std::span<const int> descriptors) const {
    if (told.ready)
        manager_.tell("READY=1");
    if (told.tells_status) {
        Text<1024> line;
        line << "STATUS=Container running: ";
        make_printable(told.status, line, 1024);
        manager_.tell(line.view());
    } else if (told.ready)
        manager_.tell("STATUS=Container running.");

    if (!manager_.stores_descriptors())
        return;
    Text<320> line;
    if (told.store && !descriptors.empty()) {
        line << "FDSTORE=1\nFDNAME=payload-" << (told.fd_name.empty() ? std::string_view{"stored"} : told.fd_name);
        if (told.no_poll)
            line << "\nFDPOLL=0";
        manager_.tell(line.view(), descriptors);
    } else if (told.remove && !told.fd_name.empty()) {
        line << "FDSTOREREMOVE=1\nFDNAME=payload-" << told.fd_name;
        manager_.tell(line.view());
    }
}

} // namespace machinist::keeper
