// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/zone.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/links.hpp"

#include <cerrno>
#include <fcntl.h>

namespace machinist {

namespace {

constexpr const char* lock_path = "/run/systemd/nspawn-network-zone";

Failure no_bridge(const std::string& name) {
    return Failure{FailureKind::already_exists, "use '" + name + "' for a zone: a link of that name is no bridge"}
        .try_instead("another name for --network-zone");
}

} // namespace

ZoneLock::ZoneLock() {
    make_directories("/run/systemd", 0755);
    while (true) {
        file_ = open_path(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
        struct flock whole {};
        whole.l_type = F_WRLCK;
        whole.l_whence = SEEK_SET;
        while (::fcntl(file_.get(), F_OFD_SETLKW, &whole) < 0)
            if (errno != EINTR)
                throw system_failure(std::string{"lock '"} + lock_path + "'");
        // Whoever had it removes it; somebody may have made another one by now.
        if (status_of(file_).st_nlink > 0)
            return;
    }
}

ZoneLock::~ZoneLock() {
    (void)::unlink(lock_path);
}

int open_zone(NetlinkSocket& socket, const std::string& bridge, const MacAddress& mac, const ZoneLock&) {
    for (int tries = 0;; ++tries) {
        if (const auto there = find_link(socket, bridge)) {
            if (there->kind != "bridge")
                throw no_bridge(bridge);
            return there->index;
        }
        NewLink link;
        link.name = bridge;
        link.mac = mac;
        link.is_up = true;
        const NetlinkAnswer answer = socket.try_one(bridge_request(link));
        // Of the kernel's choice: a bridge outlives the machine that made it. So its index has to be asked for.
        if (!answer && (answer.error_number != EEXIST || tries > 10))
            throw netlink_failure("make bridge '" + bridge + "'", answer);
    }
}

void close_zone(NetlinkSocket& socket, const std::string& bridge, const ZoneLock&) {
    const auto there = find_link(socket, bridge);
    if (!there || there->kind != "bridge" || has_ports(socket, there->index))
        return;
    const NetlinkAnswer answer = socket.try_one(removal_request(there->index));
    if (!answer && answer.error_number != ENODEV)
        throw netlink_failure("remove bridge '" + bridge + "'", answer);
}

} // namespace machinist
