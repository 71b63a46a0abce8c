// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/relay.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>

namespace machinist::keeper {

namespace {

// Rounds before signals and the other relays get their turn.
constexpr int rounds = 64;
constexpr std::size_t splice_size = 65536;

} // namespace

void Relay::start(Endpoint source, Endpoint sink, Plan plan, std::span<char> buffer, std::span<char> raw,
                  Filter filter) {
    source_ = std::move(source);
    sink_ = std::move(sink);
    plan_ = plan;
    filter_ = filter;
    buffer_ = buffer;
    raw_ = raw;
    ended_ = !source_.is_open();
    discarding_ = !sink_.is_open();
    // Without a copy and without a buffer of ours; SPLICE_F_NONBLOCK holds for both ends and is set on neither.
    splices_ = source_.is_pipe() && sink_.is_pipe() && filter_.run == nullptr;
}

void Relay::watch(BorrowedFd epoll, std::uint64_t tag) const {
    source_.watch(epoll, tag);
    sink_.watch(epoll, tag);
}

bool Relay::pump() {
    for (int round = 0; round < rounds; ++round) {
        if (flush() == Step::blocked)
            return false;
        if (ended_ && raw_begin_ == raw_end_) {
            if (plan_.close_sink_at_end)
                sink_.close();
            return false;
        }
        if (fill() == Step::blocked)
            return false;
    }
    return true;
}

Relay::Step Relay::flush() {
    while (begin_ < end_) {
        if (discarding_) {
            begin_ = end_ = 0;
            break;
        }
        const ssize_t count = sink_.write(buffer_.subspan(begin_, end_ - begin_));
        if (count == -EAGAIN || count == 0)
            return Step::blocked;
        if (count < 0)
            sink_failed();
        else
            begin_ += static_cast<std::size_t>(count);
    }
    begin_ = end_ = 0;
    return Step::moved;
}

Relay::Step Relay::fill() {
    if (splices_ && !discarding_)
        return splice_through();
    if (filter_.run == nullptr)
        return read_into(buffer_, end_);
    if (raw_begin_ == raw_end_) {
        raw_begin_ = raw_end_ = 0;
        const Step step = read_into(raw_, raw_end_);
        if (step != Step::moved)
            return step;
    }
    std::span<const char> in{raw_.data() + raw_begin_, raw_end_ - raw_begin_};
    end_ += filter_.run(filter_.self, in, buffer_.subspan(end_));
    raw_begin_ = raw_end_ - in.size();
    return Step::moved;
}

Relay::Step Relay::read_into(std::span<char> room, std::size_t& end) {
    const ssize_t count = source_.read(room);
    quiet_ = count <= 0;
    source_error_ = count < 0 ? static_cast<int>(-count) : 0;
    if (count > 0) {
        end += static_cast<std::size_t>(count);
        return Step::moved;
    }
    if (count == -EAGAIN || count == -EIO)
        return Step::blocked;
    end_of_source();
    return Step::over;
}

Relay::Step Relay::splice_through() {
    const ssize_t count = ::splice(source_.descriptor().get(), nullptr, sink_.descriptor().get(), nullptr, splice_size,
                                   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (count > 0) {
        quiet_ = false;
        return Step::moved;
    }
    if (count == 0) {
        quiet_ = true;
        end_of_source();
        return Step::over;
    }
    if (errno == EPIPE) {
        sink_failed();
        return ended_ ? Step::over : Step::moved;
    }
    if (errno == EINTR)
        return Step::moved;
    if (errno != EAGAIN) {
        splices_ = false;
        return Step::moved;
    }
    // Either end may be the reason.
    int waiting = 0;
    quiet_ = ::ioctl(source_.descriptor().get(), FIONREAD, &waiting) < 0 || waiting == 0;
    return Step::blocked;
}

void Relay::sink_failed() {
    discarding_ = true;
    begin_ = end_ = 0;
    sink_.close();
    if (plan_.sink_gone == SinkGone::stop) {
        raw_begin_ = raw_end_ = 0;
        end_of_source();
    }
}

void Relay::end_of_source() {
    ended_ = true;
    source_.close();
}

bool Relay::drained() const {
    return begin_ == end_ && raw_begin_ == raw_end_ && (ended_ || quiet_);
}

void Relay::put(std::string_view text) {
    const std::size_t count = std::min(text.size(), buffer_.size() - end_);
    std::copy_n(text.data(), count, buffer_.data() + end_);
    end_ += count;
}

void Relay::close() {
    source_.close();
    sink_.close();
    ended_ = discarding_ = true;
}

} // namespace machinist::keeper
