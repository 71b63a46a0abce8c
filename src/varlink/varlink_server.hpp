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

class Server {
public:
    using Handler = std::function<void(const Call&)>;

    // handler: of every call; what it throws is its own matter.
    Server(EventLoop& loop, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    void listen(UniqueFd socket);
    // Connections that are there stay.
    void stop_listening();
    [[nodiscard]] bool listens() const {
        return static_cast<bool>(socket_);
    }
    [[nodiscard]] std::size_t connections() const {
        return connections_.size();
    }

private:
    void accept();

    EventLoop& loop_;
    Handler handler_;
    UniqueFd socket_;
    EventSource ready_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
};

} // namespace machinist::varlink
