// SPDX-License-Identifier: LGPL-2.1-or-later
// A process held by a descriptor, which unlike its number cannot come to mean another one.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace machinist {

class Pidfd {
public:
    Pidfd() = default;
    // pid is the number that this descriptor was obtained for; for printing and for procfs only.
    Pidfd(UniqueFd descriptor, pid_t pid) : descriptor_(std::move(descriptor)), pid_(pid) {}

    // Nothing if no such process lives.
    static std::optional<Pidfd> open(pid_t pid);
    // A descriptor that somebody gave us. Nothing if it is no pidfd, or the process is not to be seen from here or
    // gone.
    static std::optional<Pidfd> adopt(UniqueFd descriptor);

    [[nodiscard]] pid_t pid() const {
        return pid_;
    }
    [[nodiscard]] BorrowedFd descriptor() const {
        return descriptor_;
    }
    [[nodiscard]] int release_descriptor() {
        return descriptor_.release();
    }
    explicit operator bool() const {
        return static_cast<bool>(descriptor_);
    }

    // True while it has not exited (a zombie has).
    [[nodiscard]] bool alive() const;
    // False if it has gone already.
    bool send_signal(int signal) const;
    // True if it ended within the time; negative waits for ever.
    [[nodiscard]] bool wait_for_end(int milliseconds) const;
    // The inode number of the pidfd (pidfs, Linux 6.9), unique per boot; 0 where the kernel has none.
    [[nodiscard]] std::uint64_t inode() const;

private:
    UniqueFd descriptor_;
    pid_t pid_ = 0;
};

} // namespace machinist
