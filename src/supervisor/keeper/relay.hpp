// SPDX-License-Identifier: LGPL-2.1-or-later
// Moves bytes one way, from a source to a sink, with backpressure: no more is read than the sink took.
#pragma once

#include "supervisor/keeper/endpoint.hpp"

#include <string_view>

namespace machinist::keeper {

// What may look at or change the bytes on their way.
struct Filter {
    // Takes bytes from the front of `in` and puts what becomes of them into `room`; returns how many it put.
    std::size_t (*run)(void* self, std::span<const char>& in, std::span<char> room) = nullptr;
    void* self = nullptr;
};

class Relay {
public:
    enum class SinkGone {
        stop,    // as a pipeline: the source is closed, its writer learns
        discard, // go on reading: nobody looks, but the machine must not block
    };
    struct Plan {
        SinkGone sink_gone = SinkGone::discard;
        bool close_sink_at_end = false;
    };

    // The buffers are the caller's, because a page that is never touched costs nothing. raw is for a filter only.
    void start(Endpoint source, Endpoint sink, Plan plan, std::span<char> buffer, std::span<char> raw = {},
               Filter filter = {});
    void watch(BorrowedFd epoll, std::uint64_t tag) const;

    // Moves what can be moved; true if it stopped only because others should have their turn.
    bool pump();
    // Nothing is held and the source has nothing just now.
    [[nodiscard]] bool drained() const;
    [[nodiscard]] bool source_ended() const {
        return ended_;
    }
    // Text of our own, put before what comes next. Cut where the buffer is full.
    void put(std::string_view text);

    [[nodiscard]] const Endpoint& source() const {
        return source_;
    }
    [[nodiscard]] const Endpoint& sink() const {
        return sink_;
    }
    // Why the last read gave nothing. EIO is not the end: a pty that no slave has open just now (agetty hangs it up),
    // or a terminal that we may not read in the background; whoever owns the relay decides.
    [[nodiscard]] int source_error() const {
        return source_error_;
    }
    void close();

private:
    enum class Step { moved, blocked, over };
    Step flush();
    Step fill();
    Step read_into(std::span<char> room, std::size_t& end);
    Step splice_through();
    void sink_failed();
    void end_of_source();

    Endpoint source_;
    Endpoint sink_;
    Plan plan_;
    Filter filter_;
    std::span<char> buffer_;
    std::span<char> raw_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t raw_begin_ = 0;
    std::size_t raw_end_ = 0;
    int source_error_ = 0;
    bool quiet_ = false; // the last read found nothing
    bool ended_ = true;
    bool discarding_ = false;
    bool splices_ = false;
};

} // namespace machinist::keeper
