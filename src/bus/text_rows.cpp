// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/text_rows.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace machinist {

namespace {

constexpr char method_return = 2;
constexpr char no_reply_expected = 1;
constexpr char protocol = 1;
constexpr char reply_serial_field = 5;
constexpr char destination_field = 6;
constexpr char signature_field = 8;
// sd-bus counts its own messages from 1, and nobody refers to an answer by its number.
constexpr std::uint32_t serial = 0xF0000000;
constexpr int milliseconds_to_send = 5000;

void align(std::string& bytes, std::size_t to) {
    bytes.append((to - bytes.size() % to) % to, '\0');
}

void put_number(std::string& bytes, std::uint32_t number) {
    align(bytes, sizeof number);
    char raw[sizeof number];
    std::memcpy(raw, &number, sizeof number);
    bytes.append(raw, sizeof raw);
}

void put_text(std::string& bytes, std::string_view text) {
    put_number(bytes, static_cast<std::uint32_t>(text.size()));
    bytes.append(text).append(1, '\0');
}

// Signatures are no longer than a byte says.
void put_signature(std::string& bytes, std::string_view signature) {
    bytes.append(1, static_cast<char>(signature.size())).append(signature).append(1, '\0');
}

void begin_field(std::string& bytes, char code, std::string_view signature) {
    align(bytes, 8);
    bytes += code;
    put_signature(bytes, signature);
}

void replace_number(std::string& bytes, std::size_t at, std::uint32_t number) {
    std::memcpy(bytes.data() + at, &number, sizeof number);
}

std::string header_of(sd_bus_message* call, std::string_view signature, std::size_t body) {
    std::uint64_t cookie = 0;
    const char* sender = sd_bus_message_get_sender(call);
    if (sd_bus_message_get_cookie(call, &cookie) < 0 || sender == nullptr)
        return {};
    std::string header{std::endian::native == std::endian::little ? 'l' : 'B', method_return, no_reply_expected,
                       protocol};
    put_number(header, static_cast<std::uint32_t>(body));
    put_number(header, serial);
    const std::size_t length_at = header.size();
    put_number(header, 0);
    const std::size_t fields = header.size();
    begin_field(header, reply_serial_field, "u");
    put_number(header, static_cast<std::uint32_t>(cookie));
    begin_field(header, destination_field, "s");
    put_text(header, sender);
    begin_field(header, signature_field, "g");
    put_signature(header, signature);
    replace_number(header, length_at, static_cast<std::uint32_t>(header.size() - fields));
    align(header, 8);
    return header;
}

void send_rest(int socket, msghdr& message) {
    while (message.msg_iovlen > 0) {
        const ssize_t sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            throw system_failure("send an answer");
        pollfd ready{.fd = socket, .events = POLLOUT, .revents = 0};
        if (sent < 0 && ::poll(&ready, 1, milliseconds_to_send) == 0) {
            // Half a message is the end of a connection.
            ::shutdown(socket, SHUT_RDWR);
            throw Failure{FailureKind::timed_out, "send an answer: the bus does not take it"};
        }
        for (auto left = static_cast<std::size_t>(std::max<ssize_t>(sent, 0)); message.msg_iovlen > 0;) {
            iovec& first = *message.msg_iov;
            const std::size_t taken = std::min(left, first.iov_len);
            first = {.iov_base = static_cast<char*>(first.iov_base) + taken, .iov_len = first.iov_len - taken};
            left -= taken;
            if (first.iov_len > 0)
                break;
            ++message.msg_iov;
            --message.msg_iovlen;
        }
    }
}

} // namespace

TextRows::TextRows(std::string_view signature) : signature_("a(" + std::string{signature} + ")") {
    put_number(body_, 0);
    align(body_, 8);
}

void TextRows::add(std::initializer_list<std::string_view> columns) {
    const std::size_t first_row = 8;
    align(body_, 8);
    for (const std::string_view text : columns) {
        if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
            throw Failure{FailureKind::internal, "text for the bus that is no UTF-8"};
        put_text(body_, text);
    }
    replace_number(body_, 0, static_cast<std::uint32_t>(body_.size() - first_row));
}

bool TextRows::answer(const Call& call) const {
    sd_bus* bus = sd_bus_message_get_bus(call.message());
    std::uint64_t queued = 0;
    if (sd_bus_get_n_queued_write(bus, &queued) < 0 || queued > 0)
        return false;
    std::string header = header_of(call.message(), signature_, body_.size());
    const int socket = sd_bus_get_fd(bus);
    if (header.empty() || socket < 0)
        return false;
    iovec parts[]{{.iov_base = header.data(), .iov_len = header.size()},
                  {.iov_base = const_cast<char*>(body_.data()), .iov_len = body_.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = std::size(parts);
    send_rest(socket, message);
    call.answered_otherwise();
    return true;
}

} // namespace machinist
