// SPDX-License-Identifier: LGPL-2.1-or-later
#include "varlink/varlink_server.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "kernel/process_status.hpp"
#include "varlink/varlink_connection.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/socket.h>

namespace machinist::varlink {

namespace {

constexpr std::size_t most_connections = 1024;
constexpr std::ptrdiff_t most_of_one_user = 128;

} // namespace

Server::Server(EventLoop& loop, Handler handler) : loop_(loop), handler_(std::move(handler)) {}

Server::~Server() = default;

Listener Server::listen(UniqueFd socket) {
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0)
        throw system_failure("prepare a socket");
    EventSource ready = loop_.when_readable(socket, [this, borrowed = BorrowedFd{socket}] { accept(borrowed); });
    return {.socket = std::move(socket), .ready = std::move(ready)};
}

void Server::accept(BorrowedFd socket) {
    UniqueFd accepted{::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!accepted)
        return;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(accepted.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return;
    const auto of_the_same =
        std::ranges::count_if(connections_, [&](const auto& one) { return one.second->peer().uid == who.uid; });
    // Root's own programs are not kept out by what users do.
    if (who.uid != 0 && (connections_.size() >= most_connections || of_the_same >= most_of_one_user)) {
        log_notice("a user has too many connections; one is refused");
        return;
    }
    const std::uint64_t number = ++last_;
    const Peer peer{.uid = who.uid, .pid = who.pid, .start_time = start_time_of(who.pid).value_or(0)};
    auto connection = std::make_shared<Connection>(loop_, std::move(accepted), peer, handler_,
                                                   [this, number] { connections_.erase(number); });
    connections_.emplace(number, connection);
    connection->begin();
}

} // namespace machinist::varlink
