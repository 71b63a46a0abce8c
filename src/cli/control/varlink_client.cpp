// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/varlink_client.hpp"

#include "base/failure.hpp"
#include "kernel/sockets.hpp"

#include <cerrno>
#include <iterator>

namespace machinist {

namespace {

constexpr std::size_t longest_answer = 65536;

ReceivedMessage receive_part(BorrowedFd socket) {
    try {
        return receive_message(socket);
    } catch (const Failure& failure) {
        if (failure.error_number() == EAGAIN)
            throw Failure{FailureKind::timed_out, "it does not answer in time"};
        throw;
    }
}

} // namespace

VarlinkAnswer call_varlink(BorrowedFd socket, const std::string& message, BorrowedFd descriptor) {
    // The zero byte ends it.
    const std::string_view bytes{message.c_str(), message.size() + 1};
    send_message(socket, bytes, descriptor ? std::vector<int>{descriptor.get()} : std::vector<int>{});
    VarlinkAnswer answer;
    while (!answer.text.ends_with('\0')) {
        ReceivedMessage part = receive_part(socket);
        if (part.end || answer.text.size() > longest_answer)
            throw Failure{FailureKind::system, "it does not answer"};
        answer.text += part.bytes;
        answer.descriptors.insert(answer.descriptors.end(), std::make_move_iterator(part.descriptors.begin()),
                                  std::make_move_iterator(part.descriptors.end()));
    }
    answer.text.pop_back();
    return answer;
}

} // namespace machinist
