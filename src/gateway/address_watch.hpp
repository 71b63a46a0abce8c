// SPDX-License-Identifier: LGPL-2.1-or-later
// The addresses of a machine, looked at from outside: by sockets that were made in its network namespace.
#pragma once

#include "base/ip_address.hpp"
#include "base/unique_fd.hpp"
#include "kernel/netlink.hpp"
#include "kernel/pidfd.hpp"

#include <optional>
#include <vector>

namespace machinist {

class AddressWatch {
public:
    // Throws Failure.
    explicit AddressWatch(const Pidfd& leader);

    // Readable when something has changed.
    [[nodiscard]] BorrowedFd changes() const {
        return changes_;
    }
    // Reads what was told. A machine that tells much is told of once.
    void forget_changes();
    // Of links that were made first before others, IPv4 before IPv6; none that is local to the machine or its link.
    std::vector<IpAddress> read();

private:
    UniqueFd changes_;
    std::optional<NetlinkSocket> questions_;
};

} // namespace machinist
