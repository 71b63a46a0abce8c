// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/endpoint.hpp"

#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

namespace machinist::keeper {

namespace {

// POSIX promises that a pipe which polls writable takes this much.
constexpr std::size_t probed_write = 512;

UniqueFd opened_again(BorrowedFd descriptor, int mode) {
    Text<40> path;
    path << "/proc/self/fd/" << descriptor.get();
    return UniqueFd{::open(path.c_str(), mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
}

} // namespace

Endpoint Endpoint::of_caller(BorrowedFd descriptor, Direction direction) {
    Endpoint end;
    struct stat status {};
    if (::fstat(descriptor.get(), &status) < 0)
        return end;
    end.number_ = descriptor.get();
    end.pipe_ = S_ISFIFO(status.st_mode);
    if (S_ISSOCK(status.st_mode))
        end.kind_ = Kind::socket;
    else if (end.pipe_ || (S_ISCHR(status.st_mode) && ::isatty(descriptor.get()) != 0)) {
        // A description of our own of the same pipe or terminal. Not so for files: the offset must stay shared.
        end.kind_ = Kind::probed;
        end.owned_ = opened_again(descriptor, direction == Direction::reads ? O_RDONLY : O_WRONLY);
        if (end.owned_) {
            end.number_ = end.owned_.get();
            end.kind_ = Kind::nonblocking;
        }
    } else if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        end.kind_ = Kind::probed;
    return end;
}

Endpoint Endpoint::ours(UniqueFd descriptor) {
    Endpoint end;
    if (!descriptor)
        return end;
    struct stat status {};
    end.pipe_ = ::fstat(descriptor.get(), &status) == 0 && S_ISFIFO(status.st_mode);
    const int flags = ::fcntl(descriptor.get(), F_GETFL);
    end.kind_ = ::fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK) == 0 ? Kind::nonblocking : Kind::probed;
    end.number_ = descriptor.get();
    end.owned_ = std::move(descriptor);
    return end;
}

Endpoint Endpoint::shared_with(const Endpoint& other) {
    Endpoint end;
    end.number_ = other.number_;
    end.kind_ = other.kind_;
    return end;
}

bool Endpoint::would_block(short events) const {
    pollfd state{.fd = number_, .events = events, .revents = 0};
    return ::poll(&state, 1, 0) == 0;
}

ssize_t Endpoint::read(std::span<char> room) const {
    if (kind_ == Kind::probed && would_block(POLLIN))
        return -EAGAIN;
    ssize_t count = 0;
    do
        count = kind_ == Kind::socket ? ::recv(number_, room.data(), room.size(), MSG_DONTWAIT)
                                      : ::read(number_, room.data(), room.size());
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ssize_t Endpoint::write(std::span<const char> bytes) const {
    std::size_t size = bytes.size();
    if (kind_ == Kind::probed) {
        if (would_block(POLLOUT))
            return -EAGAIN;
        size = size < probed_write ? size : probed_write;
    }
    ssize_t count = 0;
    do
        count = kind_ == Kind::socket ? ::send(number_, bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                      : ::write(number_, bytes.data(), size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

void Endpoint::watch(BorrowedFd epoll, std::uint64_t tag) const {
    if (!is_open())
        return;
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = tag}};
    // EPERM: a file that is always ready. EEXIST: shared_with another one.
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, number_, &event);
}

void Endpoint::close() {
    owned_.reset();
    number_ = -1;
}

} // namespace machinist::keeper
