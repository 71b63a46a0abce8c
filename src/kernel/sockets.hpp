// SPDX-License-Identifier: LGPL-2.1-or-later
// A pair of sockets that keeps message bounds and carries descriptors, for the two halves of a start.
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace machinist {

std::pair<UniqueFd, UniqueFd> make_message_socket_pair();

// Descriptors are copied to the receiver; at most 250 go with one message.
void send_message(BorrowedFd socket, std::string_view bytes, const std::vector<int>& descriptors = {});

struct ReceivedMessage {
    bool end = false; // the other side is gone or has executed a program
    std::string bytes;
    std::vector<UniqueFd> descriptors; // close-on-exec
};
ReceivedMessage receive_message(BorrowedFd socket);

} // namespace machinist
