// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/unix_listeners.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace machinist {

namespace {

UniqueFd ask_for_listeners() {
    UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
    struct {
        nlmsghdr header;
        unix_diag_req message;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.message.sdiag_family = AF_UNIX;
    request.message.udiag_states = 1U << TCP_LISTEN;
    request.message.udiag_show = UDIAG_SHOW_VFS;
    if (!socket || ::send(socket.get(), &request, sizeof request, 0) < 0)
        throw system_failure("ask for the sockets that are listened at");
    return socket;
}

// The kernel tells 32 bits of the inode number, and the device as it has it inside.
bool is_of(const nlmsghdr* header, const struct stat& file) {
    constexpr std::size_t before = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(unix_diag_msg)));
    if (header->nlmsg_len < before)
        return false;
    auto left = static_cast<unsigned>(header->nlmsg_len - before);
    constexpr unsigned minor_bits = 20;
    const auto* attribute = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(header) + before);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        unix_diag_vfs place{};
        if (attribute->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(attribute) < sizeof place)
            continue;
        std::memcpy(&place, RTA_DATA(attribute), sizeof place);
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
    const UniqueFd socket = ask_for_listeners();
    alignas(nlmsghdr) char buffer[32768];
    for (bool found = false;;) {
        const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw system_failure("read the sockets that are listened at");
        auto left = static_cast<unsigned>(count);
        for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE)
                return found;
            if (header->nlmsg_type == NLMSG_ERROR)
                throw Failure{FailureKind::not_supported, "the kernel does not tell which sockets are listened at"};
            found = found || is_of(header, file);
        }
    }
}

} // namespace machinist
