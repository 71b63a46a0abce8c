// SPDX-License-Identifier: LGPL-2.1-or-later
// A leader with users of its own: 0 to 65535 are 65536 numbers of the host.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace machinist::testing {

class UserLeader {
public:
    UserLeader(std::uint32_t first_user, std::uint32_t first_group);
    UserLeader(const UserLeader&) = delete;
    UserLeader& operator=(const UserLeader&) = delete;
    ~UserLeader();

    [[nodiscard]] std::uint32_t number() const {
        return static_cast<std::uint32_t>(pid_);
    }

private:
    pid_t pid_ = -1;
};

} // namespace machinist::testing
