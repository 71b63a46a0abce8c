// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/sockets.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace machinist {

namespace {

constexpr std::size_t most_descriptors = 250; // SCM_MAX_FD is 253
constexpr std::size_t longest_message = 8192;

} // namespace

std::pair<UniqueFd, UniqueFd> make_message_socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        throw system_failure("make a pair of sockets");
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

void send_message(BorrowedFd socket, std::string_view bytes, const std::vector<int>& descriptors) {
    if (descriptors.size() > most_descriptors)
        throw Failure{FailureKind::invalid, "hand over " + std::to_string(descriptors.size()) +
                                                " descriptors: the limit is " + std::to_string(most_descriptors)};
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)];
    if (!descriptors.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
        std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
    }
    if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0)
        throw system_failure("send a message");
}

ReceivedMessage receive_message(BorrowedFd socket) {
    ReceivedMessage received;
    received.bytes.resize(longest_message);
    iovec part{received.bytes.data(), received.bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)];
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t count = 0;
    do
        count = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
    // ECONNRESET, told once: the other side ended with unread messages of ours. What it had sent comes after.
    while (count < 0 && (errno == EINTR || errno == ECONNRESET));
    if (count < 0)
        throw system_failure("receive a message");
    received.end = count <= 0;
    received.bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header && count >= 0; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t at = 0; at < number; ++at) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(header) + at * sizeof(int), sizeof(int));
            received.descriptors.emplace_back(descriptor);
        }
    }
    return received;
}

} // namespace machinist
