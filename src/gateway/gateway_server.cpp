// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/gateway_server.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "kernel/sockets.hpp"
#include "spec/port_forward.hpp"

#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_clients = 1024;

UniqueFd listen_at(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof address.sun_path)
        throw Failure{FailureKind::invalid, "listen at '" + path + "': the path is too long"};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    (void)::unlink(path.c_str());
    UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const mode_t mask = ::umask(0077);
    const bool is_bound =
        socket && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::umask(mask);
    if (!is_bound || ::listen(socket.get(), 1024) < 0)
        throw system_failure("listen at '" + path + "'");
    return socket;
}

bool is_root(BorrowedFd socket) {
    ucred caller{};
    socklen_t length = sizeof caller;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &caller, &length) == 0 && caller.uid == 0;
}

PortForward port_of(const GatewayMessage& question) {
    const auto port = parse_port_forward(question.value("port"));
    if (!port)
        throw Failure{FailureKind::invalid, "'" + question.value("port") + "' is no port to forward"};
    return *port;
}

} // namespace

GatewayServer::GatewayServer(EventLoop& loop, Gateway& gateway, const std::filesystem::path& directory,
                             EventLoop::Handler idle)
    : loop_(loop),
      gateway_(gateway),
      path_(directory / "socket"),
      idle_(std::move(idle)),
      listener_(listen_at(path_.string())) {
    incoming_ = loop_.when_readable(listener_, [this] { accept_client(); });
}

GatewayServer::~GatewayServer() {
    // Whoever finds it from now on starts another; whoever found it already is told by the end of the connection.
    (void)::unlink(path_.c_str());
}

void GatewayServer::accept_client() {
    UniqueFd socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket || !is_root(socket) || clients_.size() >= most_clients)
        return;
    const int number = socket.get();
    Client& client = clients_[number];
    client.socket = std::move(socket);
    client.readable = loop_.when_readable(client.socket, [this, number] { answer_client(number); });
}

void GatewayServer::answer_client(int number) {
    Client& client = clients_.at(number);
    std::string reply;
    try {
        const ReceivedMessage received = receive_message(client.socket);
        if (received.end)
            return drop_client(number);
        reply = answer(client, GatewayMessage::parse(received.bytes)).text();
    } catch (const Failure& failure) {
        reply = "failure\n" + failure.serialize();
    }
    try {
        send_message(client.socket, reply);
    } catch (const Failure&) {
        drop_client(number);
    }
}

void GatewayServer::drop_client(int number) {
    const auto client = clients_.find(number);
    const std::set<std::string> reserved = client->second.reserved;
    clients_.erase(client);
    for (const std::string& key : reserved)
        gateway_.release(key);
    if (is_idle())
        idle_();
}

GatewayMessage GatewayServer::answer(Client& client, const GatewayMessage& question) {
    const std::string key = question.value("key");
    GatewayMessage reply{"ok", {}};
    if (question.word == "reserve") {
        const Reservation reservation =
            gateway_.reserve(key, question.value("machine"), question.value("link"), question.value("mac"));
        client.reserved.insert(key);
        for (const IpPrefix& address : reservation.addresses)
            reply.fields.emplace_back("address", address.text());
        for (const IpAddress& gateway : reservation.gateways)
            reply.fields.emplace_back("gateway", gateway.text());
        for (const IpAddress& server : reservation.name_servers)
            reply.fields.emplace_back("dns", server.text());
    } else if (question.word == "attach") {
        gateway_.attach(key);
        client.reserved.erase(key);
    } else if (question.word == "add-port") {
        gateway_.add_port(key, port_of(question));
    } else if (question.word == "remove-port") {
        gateway_.remove_port(key, port_of(question));
    } else if (question.word != "hello") {
        throw Failure{FailureKind::invalid, "answer '" + question.word + "': no such question"};
    }
    return reply;
}

} // namespace machinist
