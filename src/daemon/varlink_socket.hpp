// SPDX-License-Identifier: LGPL-2.1-or-later
// The sockets at which Varlink is served: systemd's, where it hands one over; else our own, as long as we are the
// provider. Whatever is served is served at each; which one is asked depends on who asks.
#pragma once

#include "daemon/varlink_service.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace machinist {

struct VarlinkPlace {
    std::filesystem::path path;
    std::vector<std::filesystem::path> links; // to it
};

class VarlinkSocket {
public:
    // handed_over: to be used whoever is the provider.
    VarlinkSocket(VarlinkService& varlink, VarlinkPlace place, UniqueFd handed_over);
    VarlinkSocket(const VarlinkSocket&) = delete;
    VarlinkSocket& operator=(const VarlinkSocket&) = delete;
    ~VarlinkSocket();

    // Somebody who listens there already is left alone.
    void provide(bool is_provider);

private:
    [[nodiscard]] bool somebody_listens() const;
    void listen();
    void close();

    VarlinkService& varlink_;
    VarlinkPlace place_;
    bool handed_over_ = false;
    std::optional<varlink::Listener> listener_;
    std::uint64_t inode_ = 0; // of the socket: at its path there may be another one by the end
    std::vector<std::filesystem::path> made_;
};

class VarlinkSockets {
public:
    explicit VarlinkSockets(VarlinkService& varlink);

    void provide(bool is_provider);

private:
    std::vector<std::unique_ptr<VarlinkSocket>> sockets_;
};

} // namespace machinist
