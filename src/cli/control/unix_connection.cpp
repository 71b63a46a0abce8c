// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/unix_connection.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace machinist {

UniqueFd connect_to_path(const std::string& path, timeval patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path || !path.starts_with('/'))
        throw Failure{FailureKind::not_supported, "'" + escaped_for_people(path) + "' is no path of a socket"};
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const void* any = &address;
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        ::connect(socket.get(), static_cast<const sockaddr*>(any), sizeof address) < 0)
        throw system_failure("connect to '" + escaped_for_people(path) + "'");
    return socket;
}

} // namespace machinist
