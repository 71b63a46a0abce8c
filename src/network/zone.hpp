// SPDX-License-Identifier: LGPL-2.1-or-later
// The bridge of a zone: made by the first machine in it, gone with the last.
#pragma once

#include "base/mac_address.hpp"
#include "base/unique_fd.hpp"
#include "kernel/netlink.hpp"

#include <filesystem>
#include <string>

namespace machinist {

// Held while a zone's bridge gets a port or is looked at for none, by us as by systemd-nspawn. Waits for it.
class ZoneLock {
public:
    ZoneLock();
    ZoneLock(const ZoneLock&) = delete;
    ZoneLock& operator=(const ZoneLock&) = delete;
    ~ZoneLock();

private:
    UniqueFd file_;
};

// The index of the bridge, which is made and brought up if it is missing. A port has to join it before the lock is
// let go of.
int open_zone(NetlinkSocket& socket, const std::string& bridge, const MacAddress& mac, const ZoneLock& lock);
// Removes the bridge if it has no port left; missing is success.
void close_zone(NetlinkSocket& socket, const std::string& bridge, const ZoneLock& lock);

} // namespace machinist
