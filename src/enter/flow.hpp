// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes from one descriptor to another, a piece at a time and only when neither end would block.
#pragma once

#include "base/unique_fd.hpp"

#include <array>
#include <cstddef>
#include <poll.h>
#include <string_view>

namespace machinist::enter {

// The ends outlive it. Ends of our own should be non-blocking; the caller's are shared with others and stay as they
// are, which is why no more is written to them at once than poll(2) promises.
class Flow {
public:
    Flow(BorrowedFd from, BorrowedFd to);

    // What to wait for: more to read, or room for what was read. fd is -1 once it has ended.
    [[nodiscard]] pollfd awaited() const;
    // To be called when poll says that the condition holds.
    void step();
    // All that can be read without waiting goes to the other end, whose readers are waited for.
    void drain();
    // There is nothing more to read, or nobody reads the other end.
    [[nodiscard]] bool ended() const {
        return ended_;
    }
    void end();

    // What was read and is not yet written.
    [[nodiscard]] std::string_view held() const {
        return {buffer_.data() + start_, end_ - start_};
    }

private:
    bool read_some(); // false if there is nothing at the moment
    void write_some();

    BorrowedFd from_;
    BorrowedFd to_;
    std::size_t largest_write_;
    bool to_socket_;
    bool ended_ = false;
    std::array<char, 65536> buffer_;
    std::size_t start_ = 0;
    std::size_t end_ = 0;
};

} // namespace machinist::enter
