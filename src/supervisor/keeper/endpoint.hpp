// SPDX-License-Identifier: LGPL-2.1-or-later
// One end of a relay that never blocks us, though the caller's open file descriptions are never made non-blocking:
// they are shared with processes that do not expect it (the shell we were started from, for one).
#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/types.h>

namespace machinist::keeper {

class Endpoint {
public:
    enum class Direction { reads, writes };

    Endpoint() = default;
    // One of the caller's descriptors, which stays as it is.
    static Endpoint of_caller(BorrowedFd descriptor, Direction direction);
    // An end that only we hold: it is made non-blocking.
    static Endpoint ours(UniqueFd descriptor);
    // The same description as another endpoint of ours, in the other direction (a pty's master).
    static Endpoint shared_with(const Endpoint& other);

    // A count, 0 at the end of file, or a negative errno; -EAGAIN where it would block.
    ssize_t read(std::span<char> room) const;
    ssize_t write(std::span<const char> bytes) const;

    // Wakes the epoll instance at each change (EPOLLET). A regular file cannot be watched and needs not.
    void watch(BorrowedFd epoll, std::uint64_t tag) const;
    void close();

    [[nodiscard]] bool is_open() const {
        return number_ >= 0;
    }
    [[nodiscard]] bool is_pipe() const {
        return pipe_;
    }
    [[nodiscard]] BorrowedFd descriptor() const {
        return BorrowedFd{number_};
    }

private:
    enum class Kind : std::uint8_t {
        ready,       // a regular file: always
        nonblocking, // the description is ours
        socket,      // asked not to block call by call
        probed,      // asked before each call; somebody else's read between the two could block us
    };
    [[nodiscard]] bool would_block(short events) const;

    UniqueFd owned_;
    int number_ = -1;
    Kind kind_ = Kind::ready;
    bool pipe_ = false;
};

} // namespace machinist::keeper
