// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/notify_outside.hpp"

#include "base/unique_fd.hpp"
#include "supervisor/keeper/text.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace machinist::keeper {

namespace {

// SCM_MAX_FD of the kernel.
constexpr std::size_t most_descriptors = 253;

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? std::string_view{value} : std::string_view{};
}

} // namespace

ServiceManager::ServiceManager() : socket_(variable("NOTIFY_SOCKET")) {
    if (socket_.size() < 2 || (socket_.front() != '/' && socket_.front() != '@') ||
        socket_.size() >= sizeof sockaddr_un{}.sun_path)
        socket_ = {};
    stores_descriptors_ = !socket_.empty() && !variable("FDSTORE").empty();

    std::uint64_t microseconds = 0;
    std::uint64_t whose = 0;
    const std::string_view watched = variable("WATCHDOG_PID");
    const bool ours =
        watched.empty() || (parse_number(watched, whose) && whose == static_cast<std::uint64_t>(::getpid()));
    if (!socket_.empty() && ours && parse_number(variable("WATCHDOG_USEC"), microseconds) && microseconds > 0) {
        // Twice in the time that it grants, as sd_watchdog_enabled(3) says.
        interval_ = microseconds / 2000 > 0 ? microseconds / 2000 : 1;
        next_ping_ = now();
    }
}

void ServiceManager::tell(std::string_view message, std::span<const int> descriptors) const {
    if (socket_.empty() || descriptors.size() > most_descriptors)
        return;
    const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket)
        return;
    // READY=1 must not be lost because its queue is full just now, but the machine must not hang on it either.
    const timeval patience{.tv_sec = 2, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);

    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    const bool is_abstract = address.sun_path[0] == '@';
    if (is_abstract)
        address.sun_path[0] = '\0';

    iovec text{.iov_base = const_cast<char*>(message.data()), .iov_len = message.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size() + (is_abstract ? 0 : 1));
    header.msg_iov = &text;
    header.msg_iovlen = 1;
    // Not on the stack: most messages have none.
    alignas(cmsghdr) static char control[CMSG_SPACE(sizeof(int) * most_descriptors)];
    if (!descriptors.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    ::sendmsg(socket.get(), &header, MSG_NOSIGNAL);
}

void ServiceManager::ping_if_due() {
    if (next_ping_ == never || now() < next_ping_)
        return;
    tell("WATCHDOG=1");
    next_ping_ = now() + interval_;
}

} // namespace machinist::keeper
