// SPDX-License-Identifier: LGPL-2.1-or-later
// Serves Varlink on sockets: JSON objects, each ended by a zero byte, answered one after the other on each connection.
#pragma once

#include "bus/event_loop.hpp"
#include "varlink/varlink_call.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace machinist::varlink {

class Connection;

// A socket at which connections are accepted for as long as this lives. What came in by it stays.
struct Listener {
    UniqueFd socket;
    EventSource ready; // of the socket, so it goes first
};

class Server {
public:
    using Handler = std::function<void(const Call&)>;

    // handler: of every call; what it throws is its own matter.
    Server(EventLoop& loop, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    [[nodiscard]] Listener listen(UniqueFd socket);
    [[nodiscard]] std::size_t connections() const {
        return connections_.size();
    }

private:
    void accept(BorrowedFd socket);

    EventLoop& loop_;
    Handler handler_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
};

} // namespace machinist::varlink
