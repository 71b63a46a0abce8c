// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/unix_listeners.hpp"

#include "base/failure.hpp"
#include "kernel/netlink.hpp"

#include <cstdint>
#include <cstring>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace machinist {

namespace {

NetlinkRequest all_listeners() {
    unix_diag_req wanted{};
    wanted.sdiag_family = AF_UNIX;
    wanted.udiag_states = 1U << TCP_LISTEN;
    wanted.udiag_show = UDIAG_SHOW_VFS;
    return {SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, wanted};
}

// The kernel tells 32 bits of the inode number, and the device as it has it inside.
bool is_of(const NetlinkMessage& message, const struct stat& file) {
    constexpr unsigned minor_bits = 20;
    for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<unix_diag_msg>())) {
        unix_diag_vfs place{};
        if (attribute.type != UNIX_DIAG_VFS || attribute.bytes.size() < sizeof place)
            continue;
        std::memcpy(&place, attribute.bytes.data(), sizeof place);
        return place.udiag_vfs_ino == static_cast<std::uint32_t>(file.st_ino) &&
               place.udiag_vfs_dev == ((major(file.st_dev) << minor_bits) | minor(file.st_dev));
    }
    return false;
}

} // namespace

bool is_listened_at(const std::filesystem::path& path) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) < 0 || !S_ISSOCK(file.st_mode))
        return false;
    NetlinkSocket socket{NETLINK_SOCK_DIAG};
    bool found = false;
    const NetlinkAnswer answer = socket.look(all_listeners(), [&](const NetlinkMessage& message) {
        found = is_of(message, file);
        return !found;
    });
    if (!answer)
        throw Failure{FailureKind::not_supported, "the kernel does not tell which sockets are listened at"};
    return found;
}

} // namespace machinist
