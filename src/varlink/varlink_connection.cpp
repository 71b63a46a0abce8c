// SPDX-License-Identifier: LGPL-2.1-or-later
#include "varlink/varlink_connection.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>

namespace machinist::varlink {

namespace {

constexpr std::size_t longest_message = std::size_t{256} << 10;
constexpr std::size_t most_waiting = std::size_t{16} << 20;
constexpr int deepest = 32;
// To send the rest of a message, or to take what it asked for.
constexpr std::chrono::seconds patience{30};

bool is_deep(std::string_view text) {
    int depth = 0;
    bool in_text = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (in_text) {
            if (letter == '\\')
                ++at;
            else if (letter == '"')
                in_text = false;
        } else if (letter == '"') {
            in_text = true;
        } else if (letter == '{' || letter == '[') {
            if (++depth > deepest)
                return true;
        } else if (letter == '}' || letter == ']') {
            --depth;
        }
    }
    return false;
}

// Nothing if it is no call.
nlohmann::json call_in(std::string_view text) {
    if (is_deep(text))
        return {};
    auto message = nlohmann::json::parse(text, nullptr, false);
    const auto flag = [&](const char* name) {
        const auto found = message.find(name);
        return found == message.end() || found->is_boolean();
    };
    if (!message.is_object() || !message.contains("method") || !message["method"].is_string() || !flag("more") ||
        !flag("oneway") || !flag("upgrade") || message.value("upgrade", false))
        return {};
    const auto parameters = message.find("parameters");
    if (parameters != message.end() && !parameters->is_object() && !parameters->is_null())
        return {};
    return message;
}

} // namespace

Connection::Connection(EventLoop& loop, UniqueFd socket, const Peer& peer, const Server::Handler& handler,
                       std::function<void()> ended)
    : loop_(loop), socket_(std::move(socket)), peer_(peer), handler_(handler), ended_(std::move(ended)) {}

void Connection::begin() {
    readable_ = loop_.when_readable(socket_, [this] { read(); });
}

void Connection::end() {
    if (!socket_)
        return;
    const auto kept = shared_from_this();
    readable_ = {};
    writable_ = {};
    too_late_ = {};
    outgoing_.clear();
    socket_.reset();
    if (auto gone = std::exchange(gone_, {}))
        gone();
    ended_();
}

void Connection::read() {
    const auto kept = shared_from_this();
    char buffer[16384];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        end();
        return;
    }
    incoming_.append(buffer, static_cast<std::size_t>(count));
    if (incoming_.size() > longest_message) {
        log_notice("a message that is too long ended a connection");
        end();
        return;
    }
    handle_next();
}

void Connection::handle_next() {
    if (handling_)
        return;
    const auto kept = shared_from_this();
    handling_ = true;
    while (socket_ && !calling_) {
        const auto ending = incoming_.find('\0');
        if (ending == std::string::npos)
            break;
        auto message = call_in(std::string_view{incoming_}.substr(0, ending));
        incoming_.erase(0, ending + 1);
        if (message.is_null()) {
            log_notice("a message that is no call ended a connection");
            end();
            break;
        }
        calling_ = true;
        handler_(Call{weak_from_this(), std::move(message), peer_});
    }
    handling_ = false;
    if (!socket_)
        return;
    const bool waits_for_peer = (!incoming_.empty() && !calling_) || !outgoing_.empty();
    if (!waits_for_peer)
        too_late_ = {};
    else if (!too_late_)
        too_late_ = loop_.after(patience, [this] { end(); });
}

void Connection::call_done() {
    calling_ = false;
    gone_ = {};
    if (socket_)
        handle_next();
}

void Connection::when_gone(std::function<void()> handler) {
    gone_ = std::move(handler);
}

void Connection::send(const nlohmann::json& message, BorrowedFd descriptor) {
    if (!socket_)
        return;
    Outgoing next{.bytes = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), .descriptor = {}};
    next.bytes += '\0';
    if (descriptor) {
        next.descriptor = UniqueFd{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3)};
        if (!next.descriptor)
            throw system_failure("hand a descriptor over");
    }
    waiting_bytes_ += next.bytes.size();
    outgoing_.push_back(std::move(next));
    if (waiting_bytes_ > most_waiting) {
        end();
        return;
    }
    if (!writable_)
        write();
}

void Connection::write() {
    const auto kept = shared_from_this();
    while (socket_ && !outgoing_.empty()) {
        Outgoing& next = outgoing_.front();
        iovec part{next.bytes.data(), next.bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
        if (next.descriptor) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            const int number = next.descriptor.get();
            std::memcpy(CMSG_DATA(header), &number, sizeof number);
        }
        const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            break;
        if (count < 0) {
            end();
            return;
        }
        next.descriptor.reset();
        waiting_bytes_ -= static_cast<std::size_t>(count);
        next.bytes.erase(0, static_cast<std::size_t>(count));
        if (next.bytes.empty())
            outgoing_.pop_front();
    }
    if (!socket_)
        return;
    if (outgoing_.empty())
        writable_ = {};
    else if (!writable_)
        writable_ = loop_.when_writable(socket_, [this] { write(); });
    handle_next();
}

} // namespace machinist::varlink
