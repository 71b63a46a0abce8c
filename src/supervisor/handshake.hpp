// SPDX-License-Identifier: LGPL-2.1-or-later
// The typed messages between the two halves of a start. Success of exec needs none: the socket is close-on-exec, and
// its end says so.
#pragma once

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace machinist {

enum class Message : std::uint8_t {
    go = 1,      // launcher: all is mounted; with the root, the standard streams and prepared mounts
    failed = 2,  // payload: a serialized Failure follows
    execute = 3, // launcher: the machine is limited and known, its payload may run
};

struct HandshakeMessage {
    std::vector<UniqueFd> descriptors;
};

void send_word(BorrowedFd socket, Message word, const std::vector<int>& descriptors = {});
// What the other half sent before it went, while we failed for its absence; nothing if it said nothing. It stands for
// itself: the stage in which we noticed has nothing to do with it.
std::optional<Failure> failure_left_behind(BorrowedFd socket);
void send_failure(BorrowedFd socket, const Failure& failure) noexcept;
// Any other message is a Failure naming both; the other half's Failure is thrown as it was there.
HandshakeMessage receive_handshake(BorrowedFd socket, Message expected);
// Until the other half has executed its program. Throws its Failure, or one if a signal asks us to stop.
void wait_for_execution(BorrowedFd socket, BorrowedFd signals);

} // namespace machinist
