// SPDX-License-Identifier: LGPL-2.1-or-later
// The socket at which Varlink is served: systemd's, where it hands one over; else our own, as long as we are the
// provider.
#pragma once

#include "daemon/varlink_service.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace machinist {

class VarlinkSocket {
public:
    explicit VarlinkSocket(VarlinkService& varlink);
    VarlinkSocket(const VarlinkSocket&) = delete;
    VarlinkSocket& operator=(const VarlinkSocket&) = delete;
    ~VarlinkSocket();

    // Somebody who listens there already is left alone.
    void provide(bool is_provider);

private:
    void listen();
    void close();

    VarlinkService& varlink_;
    bool handed_over_ = false;
    std::uint64_t inode_ = 0; // of the socket: at its path there may be another one by the end
    std::vector<std::filesystem::path> made_;
};

} // namespace machinist
