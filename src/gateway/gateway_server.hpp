// SPDX-License-Identifier: LGPL-2.1-or-later
// The socket that launchers and verbs ask over. Root only; one message a question, one an answer.
#pragma once

#include "bus/event_loop.hpp"
#include "gateway/gateway.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace machinist {

class GatewayServer {
public:
    // Listens in the gateway's directory. idle: nobody is connected.
    GatewayServer(EventLoop& loop, Gateway& gateway, const std::filesystem::path& directory, EventLoop::Handler idle);
    GatewayServer(const GatewayServer&) = delete;
    GatewayServer& operator=(const GatewayServer&) = delete;
    ~GatewayServer();

    [[nodiscard]] bool is_idle() const {
        return clients_.empty();
    }

private:
    struct Client {
        UniqueFd socket;
        EventSource readable;
        std::set<std::string> reserved; // keys
    };
    void accept_client();
    void answer_client(int client);
    void drop_client(int client);
    GatewayMessage answer(Client& client, const GatewayMessage& question);

    EventLoop& loop_;
    Gateway& gateway_;
    std::filesystem::path path_;
    EventLoop::Handler idle_;
    UniqueFd listener_;
    EventSource incoming_;
    std::map<int, Client> clients_; // by their socket
};

} // namespace machinist
