// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inhabited_machine.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

bool gives_loopback(const std::string& address) {
    const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    sockaddr_in wanted{};
    wanted.sin_family = AF_INET;
    if (::inet_pton(AF_INET, address.c_str(), &wanted.sin_addr) != 1)
        return false;
    std::memcpy(&request.ifr_addr, &wanted, sizeof wanted);
    return ::ioctl(socket.get(), SIOCSIFADDR, &request) == 0;
}

[[noreturn]] void be_leader(const std::string& root, const std::string& address, int ready) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool is_there = ::unshare(CLONE_NEWNET) == 0 && (address.empty() || gives_loopback(address)) &&
                          ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
    if (is_there && ::write(ready, "", 1) != 1)
        ::_exit(EXIT_FAILURE);
    // Connections of the test end when the test ends them.
    (void)::close_range(3, ~0U, 0);
    while (is_there)
        ::pause();
    ::_exit(EXIT_FAILURE);
}

} // namespace

InhabitedMachine::InhabitedMachine(const std::string& system, const std::string& address) {
    root_.write("etc/os-release", system);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw std::runtime_error{"make a pipe"};
    pid_ = ::fork();
    if (pid_ == 0)
        be_leader(root_.path().string(), address, ends[1]);
    ::close(ends[1]);
    char byte = 0;
    const bool is_there = ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
    if (!is_there)
        throw std::runtime_error{"make a leader with a root and a network of its own"};
}

InhabitedMachine::~InhabitedMachine() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

} // namespace machinist::testing
