// SPDX-License-Identifier: LGPL-2.1-or-later
#include "private_bus.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

std::string configuration(const std::string& socket) {
    return R"(<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=)" +
           socket + R"(</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <policy user="root">
    <allow own="*"/>
    <allow send_destination="*"/>
  </policy>
  <include>)" BUS_POLICY R"(</include>
  <limit name="max_match_rules_per_connection">512</limit>
</busconfig>
)";
}

bool answers(const std::string& path) {
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

} // namespace

PrivateBus::PrivateBus() {
    const std::string socket = (directory() / "bus").string();
    directory_.write("bus.conf", configuration(socket));
    std::filesystem::permissions(directory(), std::filesystem::perms{0755});
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + socket).c_str(), 1);
    start();
}

PrivateBus::~PrivateBus() {
    stop();
}

void PrivateBus::start() {
    const std::string option = "--config-file=" + (directory() / "bus.conf").string();
    daemon_ = ::fork();
    if (daemon_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::execlp("dbus-daemon", "dbus-daemon", option.c_str(), "--nofork", "--nopidfile", "--nosyslog", nullptr);
        ::_exit(127);
    }
    for (int tries = 0; tries < 500; ++tries) {
        // The file is there before anybody listens.
        if (answers((directory() / "bus").string()))
            return;
        ::usleep(10'000);
    }
    throw std::runtime_error{"dbus-daemon did not start"};
}

void PrivateBus::stop() {
    ::kill(daemon_, SIGKILL);
    ::waitpid(daemon_, nullptr, 0);
    ::unlink((directory() / "bus").c_str());
}

void PrivateBus::restart() {
    stop();
    start();
}

std::unique_ptr<Connection> PrivateBus::connect(EventLoop& loop) const {
    auto connection = std::make_unique<Connection>(loop);
    (void)sd_bus_set_exit_on_disconnect(connection->raw(), 0);
    return connection;
}

// The bus believes the socket, and that has the ids of who connects.
std::unique_ptr<Connection> PrivateBus::connect_as_somebody(EventLoop& loop) const {
    if (::setegid(somebody) < 0 || ::seteuid(somebody) < 0)
        throw std::runtime_error{"cannot become another user"};
    std::unique_ptr<Connection> connection;
    try {
        connection = connect(loop);
        const char* name = nullptr;
        (void)sd_bus_get_unique_name(connection->raw(), &name);
    } catch (...) {
        (void)!::seteuid(0);
        (void)!::setegid(0);
        throw;
    }
    if (::seteuid(0) < 0 || ::setegid(0) < 0)
        throw std::runtime_error{"cannot become root again"};
    return connection;
}

} // namespace machinist::testing
