// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/varlink_socket.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "kernel/files.hpp"
#include "kernel/unix_listeners.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace machinist {

namespace {

std::vector<VarlinkPlace> places() {
    return {{.path = "/run/systemd/machine/io.systemd.Machine",
             .links = {"/run/systemd/machine/io.systemd.MachineImage", "/run/varlink/registry/io.systemd.Machine",
                       "/run/varlink/registry/io.systemd.MachineImage"}},
            // Where nss-systemd and userdbctl look for users, and systemd-resolved for who knows names.
            {.path = "/run/systemd/userdb/io.systemd.Machine", .links = {}},
            {.path = "/run/systemd/resolve.hook/io.systemd.Machine", .links = {}}};
}

constexpr int waiting_connections = 4096;

UniqueFd make_socket() {
    UniqueFd made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!made)
        throw system_failure("make a socket");
    return made;
}

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

const sockaddr* plain(const sockaddr_un& address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

std::uint64_t inode_of(const std::filesystem::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? std::uint64_t{status.st_ino} : 0;
}

// Those that units have made for us.
std::vector<UniqueFd> sockets_from_systemd() {
    const int count = sd_listen_fds(1);
    std::vector<UniqueFd> found;
    for (int number = SD_LISTEN_FDS_START; number < SD_LISTEN_FDS_START + count; ++number) {
        UniqueFd handed{number};
        if (sd_is_socket(number, AF_UNIX, SOCK_STREAM, 1) > 0)
            found.push_back(std::move(handed));
    }
    return found;
}

bool is_at(BorrowedFd socket, const std::filesystem::path& path) {
    return sd_is_socket_unix(socket.get(), SOCK_STREAM, 1, path.c_str(), 0) > 0;
}

} // namespace

VarlinkSocket::VarlinkSocket(VarlinkService& varlink, VarlinkPlace place, UniqueFd handed_over)
    : varlink_(varlink), place_(std::move(place)), handed_over_(static_cast<bool>(handed_over)) {
    if (handed_over_)
        listener_ = varlink_.server().listen(std::move(handed_over));
}

VarlinkSocket::~VarlinkSocket() {
    close();
}

void VarlinkSocket::provide(bool is_provider) {
    if (handed_over_)
        return;
    if (!is_provider) {
        close();
        return;
    }
    try {
        listen();
    } catch (const Failure& failure) {
        // The bus is served all the same.
        log_warning(failure.what());
    }
}

// A kernel without an answer: a socket that is there is somebody's then.
bool VarlinkSocket::somebody_listens() const {
    try {
        return is_listened_at(place_.path);
    } catch (const Failure& failure) {
        log_warning(failure.what());
        return ::access(place_.path.c_str(), F_OK) == 0;
    }
}

void VarlinkSocket::listen() {
    if (listener_)
        return;
    if (somebody_listens()) {
        log_notice("somebody else listens at '" + place_.path.string() + "'; it is left to them");
        return;
    }
    make_directories(place_.path.parent_path(), 0755);
    (void)::unlink(place_.path.c_str());
    UniqueFd socket = make_socket();
    const sockaddr_un address = address_of(place_.path);
    if (::bind(socket.get(), plain(address), sizeof address) < 0)
        throw system_failure("bind '" + place_.path.string() + "'");
    made_.push_back(place_.path);
    inode_ = inode_of(place_.path);
    // Who may what is asked of each caller.
    if (::chmod(place_.path.c_str(), 0666) < 0 || ::listen(socket.get(), waiting_connections) < 0)
        throw system_failure("listen at '" + place_.path.string() + "'");
    for (const auto& link : place_.links) {
        make_directories(link.parent_path(), 0755);
        if (::symlink(place_.path.c_str(), link.c_str()) == 0)
            made_.push_back(link);
        else if (errno != EEXIST)
            log_warning(system_failure("link '" + link.string() + "'").what());
    }
    listener_ = varlink_.server().listen(std::move(socket));
}

void VarlinkSocket::close() {
    if (made_.empty())
        return;
    listener_.reset();
    if (inode_of(place_.path) == inode_)
        for (const auto& path : made_)
            (void)::unlink(path.c_str());
    made_.clear();
}

VarlinkSockets::VarlinkSockets(VarlinkService& varlink) {
    auto handed = sockets_from_systemd();
    for (VarlinkPlace& place : places()) {
        const auto found = std::ranges::find_if(handed, [&](const UniqueFd& one) { return is_at(one, place.path); });
        UniqueFd given = found == handed.end() ? UniqueFd{} : std::move(*found);
        sockets_.push_back(std::make_unique<VarlinkSocket>(varlink, std::move(place), std::move(given)));
    }
}

void VarlinkSockets::provide(bool is_provider) {
    for (const auto& socket : sockets_)
        socket->provide(is_provider);
}

} // namespace machinist
