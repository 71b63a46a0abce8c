// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/varlink_socket.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "kernel/files.hpp"
#include "kernel/unix_listeners.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace machinist {

namespace {

const std::filesystem::path socket_path{"/run/systemd/machine/io.systemd.Machine"};
const std::filesystem::path links[] = {"/run/systemd/machine/io.systemd.MachineImage",
                                       "/run/varlink/registry/io.systemd.Machine",
                                       "/run/varlink/registry/io.systemd.MachineImage"};
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

// A kernel without an answer: a socket that is there is somebody's then.
bool somebody_listens() {
    try {
        return is_listened_at(socket_path);
    } catch (const Failure& failure) {
        log_warning(failure.what());
        return ::access(socket_path.c_str(), F_OK) == 0;
    }
}

std::uint64_t inode_of(const std::filesystem::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? std::uint64_t{status.st_ino} : 0;
}

// The socket that a unit has made for us, if there is one.
UniqueFd socket_from_systemd() {
    const int count = sd_listen_fds(1);
    UniqueFd found;
    for (int number = SD_LISTEN_FDS_START; number < SD_LISTEN_FDS_START + count; ++number) {
        UniqueFd handed{number};
        if (!found && sd_is_socket(number, AF_UNIX, SOCK_STREAM, 1) > 0)
            found = std::move(handed);
    }
    return found;
}

} // namespace

VarlinkSocket::VarlinkSocket(VarlinkService& varlink) : varlink_(varlink) {
    if (UniqueFd given = socket_from_systemd()) {
        handed_over_ = true;
        varlink_.server().listen(std::move(given));
    }
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

void VarlinkSocket::listen() {
    if (varlink_.server().listens())
        return;
    if (somebody_listens()) {
        log_notice("somebody else listens at '" + socket_path.string() + "'; it is left to them");
        return;
    }
    make_directories(socket_path.parent_path(), 0755);
    (void)::unlink(socket_path.c_str());
    UniqueFd socket = make_socket();
    const sockaddr_un address = address_of(socket_path);
    if (::bind(socket.get(), plain(address), sizeof address) < 0)
        throw system_failure("bind '" + socket_path.string() + "'");
    made_.push_back(socket_path);
    inode_ = inode_of(socket_path);
    // Who may what is asked of each caller.
    if (::chmod(socket_path.c_str(), 0666) < 0 || ::listen(socket.get(), waiting_connections) < 0)
        throw system_failure("listen at '" + socket_path.string() + "'");
    for (const auto& link : links) {
        make_directories(link.parent_path(), 0755);
        if (::symlink(socket_path.c_str(), link.c_str()) == 0)
            made_.push_back(link);
        else if (errno != EEXIST)
            log_warning(system_failure("link '" + link.string() + "'").what());
    }
    varlink_.server().listen(std::move(socket));
}

void VarlinkSocket::close() {
    if (made_.empty())
        return;
    varlink_.server().stop_listening();
    if (inode_of(socket_path) == inode_)
        for (const auto& path : made_)
            (void)::unlink(path.c_str());
    made_.clear();
}

} // namespace machinist
