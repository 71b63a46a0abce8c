// SPDX-License-Identifier: LGPL-2.1-or-later
// The one loop of a program that serves: descriptors, processes, timers, signals. What throws in it ends nothing.
#pragma once

#include "base/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

struct sd_event;

namespace machinist {

// Watches for as long as it lives.
class EventSource {
public:
    EventSource() = default;
    EventSource(EventSource&&) noexcept = default;
    EventSource& operator=(EventSource&&) noexcept = default;
    ~EventSource() = default;
    explicit operator bool() const {
        return static_cast<bool>(watched_);
    }

private:
    friend class EventLoop;
    struct Watched;
    struct Forget {
        void operator()(Watched* watched) const;
    };
    std::unique_ptr<Watched, Forget> watched_;
};

class EventLoop {
public:
    using Handler = std::function<void()>;

    EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    // Until exit(); returns its status.
    int run();
    void exit(int status);

    // At each readiness; for a pidfd: once, when the process has ended.
    [[nodiscard]] EventSource when_readable(BorrowedFd descriptor, Handler handler);
    [[nodiscard]] EventSource when_writable(BorrowedFd descriptor, Handler handler);
    [[nodiscard]] EventSource when_ended(BorrowedFd pidfd, Handler handler);
    // Once.
    [[nodiscard]] EventSource after(std::chrono::microseconds time, Handler handler);
    // In the next turn of the loop, when nothing is left of the current one.
    [[nodiscard]] EventSource soon(Handler handler);
    // Blocks the signal for the process.
    [[nodiscard]] EventSource on_signal(int signal, Handler handler);

    [[nodiscard]] sd_event* raw() const {
        return event_;
    }

private:
    EventSource when_ready(BorrowedFd descriptor, std::uint32_t events, Handler handler);

    sd_event* event_ = nullptr;
};

} // namespace machinist
