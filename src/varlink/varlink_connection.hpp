// SPDX-License-Identifier: LGPL-2.1-or-later
// One connection of a Varlink server: bounded in what it takes, in what it keeps, and in time.
#pragma once

#include "bus/event_loop.hpp"
#include "varlink/answers.hpp"
#include "varlink/varlink_server.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace machinist::varlink {

class Connection : public Answers, public std::enable_shared_from_this<Connection> {
public:
    Connection(EventLoop& loop, UniqueFd socket, const Peer& peer, const Server::Handler& handler,
               std::function<void()> ended);

    void begin();
    void send(const nlohmann::json& message, BorrowedFd descriptor) override;
    void call_done() override;
    void when_gone(std::function<void()> handler) override;
    [[nodiscard]] const Peer& peer() const {
        return peer_;
    }

private:
    struct Outgoing {
        std::string bytes;
        UniqueFd descriptor;
    };
    void read();
    void write();
    void handle_next();
    void end();

    EventLoop& loop_;
    UniqueFd socket_;
    Peer peer_;
    const Server::Handler& handler_;
    std::function<void()> ended_;
    std::function<void()> gone_;
    std::string incoming_;
    std::deque<Outgoing> outgoing_;
    std::size_t waiting_bytes_ = 0;
    bool calling_ = false;  // a call waits for its answer
    bool handling_ = false; // of calls that are answered at once, a loop and no recursion
    EventSource readable_;
    EventSource writable_;
    EventSource too_late_;
};

} // namespace machinist::varlink
