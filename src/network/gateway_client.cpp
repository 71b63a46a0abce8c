// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/gateway_client.hpp"

#include "base/text.hpp"
#include "kernel/process.hpp"
#include "kernel/sockets.hpp"
#include "spec/port_forward.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace machinist {

namespace {

// One that ends just now is found, and gone at the first word.
constexpr int most_tries = 5;

template <typename Value>
std::vector<Value> parsed_values(const GatewayMessage& message, std::string_view key) {
    std::vector<Value> values;
    for (const std::string& text : message.values(key))
        if (const auto value = Value::parse(text))
            values.push_back(*value);
    return values;
}

} // namespace

std::filesystem::path gateway_directory() {
    struct stat status {};
    if (::stat("/proc/self/ns/net", &status) < 0)
        throw system_failure("look at this process's network namespace");
    return std::filesystem::path{gateway_root} / std::to_string(status.st_ino);
}

GatewayMessage GatewayMessage::parse(std::string_view text) {
    GatewayMessage message;
    const auto lines = split(text, '\n');
    message.word = lines.front();
    for (std::size_t at = 1; at < lines.size(); ++at) {
        const std::size_t equals = lines[at].find('=');
        if (equals != std::string_view::npos)
            message.fields.emplace_back(lines[at].substr(0, equals), lines[at].substr(equals + 1));
    }
    return message;
}

std::string GatewayMessage::text() const {
    std::string text = word;
    for (const auto& [key, value] : fields)
        text.append("\n").append(key).append("=").append(value);
    return text;
}

std::string GatewayMessage::value(std::string_view key) const {
    const auto all = values(key);
    return all.empty() ? "" : all.front();
}

std::vector<std::string> GatewayMessage::values(std::string_view key) const {
    std::vector<std::string> values;
    for (const auto& [name, value] : fields)
        if (name == key)
            values.push_back(value);
    return values;
}

std::optional<GatewayClient> GatewayClient::connect() {
    const std::string path = gateway_directory() / "socket";
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof address.sun_path)
        throw Failure{FailureKind::internal, "connect to '" + path + "': the path is too long"};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!socket)
        throw system_failure("make a socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return GatewayClient{std::move(socket)};
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
        return std::nullopt;
    throw system_failure("connect to '" + path + "'");
}

GatewayClient GatewayClient::connect_or_start(const std::filesystem::path& program) {
    for (int attempt = 0; attempt < most_tries; ++attempt) {
        if (auto client = connect()) {
            try {
                (void)client->ask({"hello", {}});
                return std::move(*client);
            } catch (const Failure&) {
                continue; // it has just ended
            }
        }
        const ProgramResult result = run_program({program.string(), "--start"});
        if (result.status != 0)
            break;
    }
    throw Failure{FailureKind::not_supported, "have machinist-gateway see to addresses, names and ports"}.try_instead(
        "'" + program.string() + " --serve', which tells why it does not");
}

GatewayMessage GatewayClient::ask(const GatewayMessage& question) {
    send_message(socket_, question.text());
    const ReceivedMessage answer = receive_message(socket_);
    if (answer.end)
        throw Failure{FailureKind::system, "hear from machinist-gateway: it has ended"}.try_instead("it once more");
    if (answer.bytes.starts_with("failure\n")) {
        if (auto failure = Failure::deserialize(std::string_view{answer.bytes}.substr(8)))
            throw std::move(*failure);
        throw Failure{FailureKind::internal, "understand what machinist-gateway says"};
    }
    return GatewayMessage::parse(answer.bytes);
}

Reservation GatewayClient::reserve(std::string_view key, std::string_view machine, std::string_view link,
                                   const std::optional<MacAddress>& mac) {
    GatewayMessage question{
        "reserve", {{"key", std::string{key}}, {"machine", std::string{machine}}, {"link", std::string{link}}}};
    if (mac)
        question.fields.emplace_back("mac", mac->text());
    const GatewayMessage answer = ask(question);
    return {.addresses = parsed_values<IpPrefix>(answer, "address"),
            .gateways = parsed_values<IpAddress>(answer, "gateway"),
            .name_servers = parsed_values<IpAddress>(answer, "dns")};
}

void GatewayClient::attach(std::string_view key) {
    (void)ask({"attach", {{"key", std::string{key}}}});
}

void GatewayClient::add_port(std::string_view key, const PortForward& port) {
    (void)ask({"add-port", {{"key", std::string{key}}, {"port", port_forward_text(port)}}});
}

void GatewayClient::remove_port(std::string_view key, const PortForward& port) {
    (void)ask({"remove-port", {{"key", std::string{key}}, {"port", port_forward_text(port)}}});
}

} // namespace machinist
