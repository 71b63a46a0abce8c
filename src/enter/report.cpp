// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/report.hpp"

#include "kernel/sockets.hpp"

#include <string>

namespace machinist::enter {

namespace {

constexpr char ready = 'r';
constexpr char failed = 'f';

} // namespace

bool report_ready(BorrowedFd socket, std::vector<UniqueFd> streams) {
    std::vector<int> numbers;
    for (const UniqueFd& stream : streams)
        numbers.push_back(stream.get());
    send_message(socket, std::string{ready}, numbers);
    streams.clear();
    return !receive_message(socket).end;
}

void report_failure(BorrowedFd socket, const Failure& failure, int status) {
    send_message(socket, std::string{failed} + static_cast<char>(status) + failure.serialize());
}

Report receive_report(BorrowedFd socket) {
    ReceivedMessage message = receive_message(socket);
    Report report;
    report.end = message.end;
    report.streams = std::move(message.descriptors);
    if (message.end || message.bytes == std::string{ready})
        return report;
    if (message.bytes.size() > 2 && message.bytes[0] == failed) {
        report.status = static_cast<unsigned char>(message.bytes[1]);
        report.failure = Failure::deserialize(std::string_view{message.bytes}.substr(2));
    }
    // The machine may have got at the process and sends what it likes.
    if (!report.failure)
        report.failure = Failure{FailureKind::hostile, "the process that entered the machine reports nonsense"};
    return report;
}

void let_go_on(BorrowedFd socket) {
    send_message(socket, std::string{ready});
}

} // namespace machinist::enter
