// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/flow.hpp"

#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::enter {

Flow::Flow(BorrowedFd from, BorrowedFd to) : from_(from), to_(to) {
    const mode_t mode = status_of(to).st_mode;
    to_socket_ = S_ISSOCK(mode);
    // A pipe that poll calls writable takes this much without blocking.
    largest_write_ = S_ISREG(mode) || to_socket_ ? buffer_.size() : std::size_t{PIPE_BUF};
}

pollfd Flow::awaited() const {
    if (ended_)
        return {.fd = -1, .events = 0, .revents = 0};
    if (held().empty())
        return {.fd = from_.get(), .events = POLLIN, .revents = 0};
    return {.fd = to_.get(), .events = POLLOUT, .revents = 0};
}

void Flow::step() {
    if (held().empty())
        read_some();
    else
        write_some();
}

void Flow::drain() {
    while (!ended_) {
        if (held().empty() && !read_some())
            return;
        pollfd room = awaited();
        if (!held().empty() && (::poll(&room, 1, -1) > 0 || errno == EINTR))
            write_some();
    }
}

void Flow::end() {
    ended_ = true;
    start_ = end_ = 0;
}

bool Flow::read_some() {
    const ssize_t count = ::read(from_.get(), buffer_.data(), buffer_.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    // A terminal whose other end has gone answers EIO.
    if (count <= 0) {
        end();
        return false;
    }
    start_ = 0;
    end_ = static_cast<std::size_t>(count);
    return true;
}

void Flow::write_some() {
    const std::string_view piece = held().substr(0, largest_write_);
    const ssize_t count = to_socket_ ? ::send(to_.get(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                     : ::write(to_.get(), piece.data(), piece.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count < 0)
        end();
    else
        start_ += static_cast<std::size_t>(count);
}

} // namespace machinist::enter
