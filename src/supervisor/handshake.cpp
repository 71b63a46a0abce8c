// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/handshake.hpp"

#include "kernel/sockets.hpp"

#include <cerrno>
#include <poll.h>
#include <string>

namespace machinist {

namespace {

[[noreturn]] void throw_failure_of_payload(std::string_view serialized) {
    if (auto failure = Failure::deserialize(serialized))
        throw std::move(*failure);
    throw Failure{FailureKind::internal, "read the failure of the machine's first process"};
}

} // namespace

void send_word(BorrowedFd socket, Message word, const std::vector<int>& descriptors) {
    try {
        send_message(socket, std::string(1, static_cast<char>(word)), descriptors);
    } catch (const Failure& failure) {
        if (failure.error_number() == EPIPE)
            throw Failure{FailureKind::system, "the machine's first process has been killed"};
        throw;
    }
}

std::optional<Failure> failure_left_behind(BorrowedFd socket) {
    pollfd waiting{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (!socket || ::poll(&waiting, 1, 0) <= 0)
        return std::nullopt;
    const ReceivedMessage last = receive_message(socket);
    if (last.end || last.bytes[0] != static_cast<char>(Message::failed))
        return std::nullopt;
    return Failure::deserialize(std::string_view{last.bytes}.substr(1));
}

void send_failure(BorrowedFd socket, const Failure& failure) noexcept {
    try {
        send_message(socket, static_cast<char>(Message::failed) + failure.serialize());
    } catch (...) {
        // The launcher is gone; there is nobody left to tell.
    }
}

HandshakeMessage receive_handshake(BorrowedFd socket, Message expected) {
    ReceivedMessage received = receive_message(socket);
    if (received.end)
        throw Failure{FailureKind::system, "wait for the launcher: it is gone"};
    if (received.bytes[0] == static_cast<char>(Message::failed))
        throw_failure_of_payload(std::string_view{received.bytes}.substr(1));
    if (received.bytes.size() != 1 || received.bytes[0] != static_cast<char>(expected))
        throw Failure{FailureKind::internal, "wait for message " + std::to_string(static_cast<int>(expected)) +
                                                 ": message " + std::to_string(received.bytes[0]) + " came"};
    return {.descriptors = std::move(received.descriptors)};
}

void wait_for_execution(BorrowedFd socket, BorrowedFd signals) {
    pollfd waiting[] = {{.fd = socket.get(), .events = POLLIN, .revents = 0},
                        {.fd = signals.get(), .events = POLLIN, .revents = 0}};
    while (::poll(waiting, 2, -1) < 0)
        if (errno != EINTR)
            throw system_failure("wait for the machine's first process");
    if (waiting[0].revents == 0)
        throw Failure{FailureKind::system, "wait for the machine's first process: interrupted by a signal"};
    const ReceivedMessage received = receive_message(socket);
    if (received.end)
        return;
    throw_failure_of_payload(std::string_view{received.bytes}.substr(1));
}

} // namespace machinist
