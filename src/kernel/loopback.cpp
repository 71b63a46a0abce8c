// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/loopback.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <cstring>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace machinist {

void bring_loopback_up() {
    const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0)
        throw system_failure("look at the loopback interface");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
        throw system_failure("bring the loopback interface up");
}

} // namespace machinist
