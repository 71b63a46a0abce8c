// SPDX-License-Identifier: LGPL-2.1-or-later
// A bus of the test's own: the real dbus-daemon, with the policy that the project installs, in a directory that goes
// with it. Everything of this process that asks for the system bus gets this one.
#pragma once

#include "bus/connection.hpp"
#include "unit/temporary_directory.hpp"

#include <memory>
#include <string>
#include <sys/types.h>

namespace machinist::testing {

inline constexpr uid_t somebody = 65534;

class PrivateBus {
public:
    PrivateBus();
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;
    ~PrivateBus();

    // The same address, everybody disconnected.
    void restart();
    [[nodiscard]] std::unique_ptr<Connection> connect(EventLoop& loop) const;
    // Of a user without rights.
    [[nodiscard]] std::unique_ptr<Connection> connect_as_somebody(EventLoop& loop) const;
    [[nodiscard]] const std::filesystem::path& directory() const {
        return directory_.path();
    }

private:
    void start();
    void stop();

    TemporaryDirectory directory_;
    pid_t daemon_ = -1;
};

} // namespace machinist::testing
