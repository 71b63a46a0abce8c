// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks machinist-gateway, which keeps what zones and ports of machines need in this network namespace.
#pragma once

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "spec/network_spec.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// Below it everything is in directories by the number of the network namespace that it is about.
inline constexpr const char* gateway_root = "/run/machinist-gateway";
// Throws Failure if this process's network namespace cannot be looked at.
std::filesystem::path gateway_directory();

// Messages are lines KEY=VALUE, the first one a word. Values hold no line breaks.
struct GatewayMessage {
    std::string word;
    std::vector<std::pair<std::string, std::string>> fields;

    static GatewayMessage parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    // The first of that key; "" if there is none.
    [[nodiscard]] std::string value(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> values(std::string_view key) const;
};

// What a machine's main link gets before its payload runs.
struct Reservation {
    std::vector<IpPrefix> addresses;
    std::vector<IpAddress> gateways;
    std::vector<IpAddress> name_servers;
};

class GatewayClient {
public:
    // Nothing if nobody serves.
    static std::optional<GatewayClient> connect();
    // Has program (machinist-gateway) serve if nobody does. Throws Failure.
    static GatewayClient connect_or_start(const std::filesystem::path& program);

    // Addresses for a machine that will be attached over the same connection, or not at all. link: "vz-ZONE", or the
    // host's end of a machine's own link. Throws Failure.
    Reservation reserve(std::string_view key, std::string_view machine, std::string_view link,
                        const std::optional<MacAddress>& mac);
    // From here on, until its leader ends, it is served and its ports lead to it. All else is in its run directory.
    void attach(std::string_view key);
    // While it runs. Throws Failure, already_exists for a port of the host that leads elsewhere.
    void add_port(std::string_view key, const PortForward& port);
    void remove_port(std::string_view key, const PortForward& port);

private:
    explicit GatewayClient(UniqueFd socket) : socket_(std::move(socket)) {}
    GatewayMessage ask(const GatewayMessage& question);
    UniqueFd socket_;
};

} // namespace machinist
