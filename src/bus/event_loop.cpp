// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/event_loop.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"

#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

namespace machinist {

struct EventSource::Watched {
    sd_event_source* source = nullptr;
    EventLoop::Handler handler;
    // A handler may let go of its own source; what it is made of must outlive the call.
    bool running = false;
    bool forgotten = false;

    void happen() {
        running = true;
        try {
            handler();
        } catch (const std::exception& broken) {
            log_error(std::string{"an event could not be handled: "} + broken.what());
        }
        running = false;
        if (forgotten)
            delete this;
    }
    ~Watched() {
        sd_event_source_disable_unref(source);
    }
};

void EventSource::Forget::operator()(Watched* watched) const {
    if (!watched->running) {
        delete watched;
        return;
    }
    watched->forgotten = true;
    (void)sd_event_source_set_enabled(watched->source, SD_EVENT_OFF);
}

namespace {

void check(int result, const char* what) {
    if (result < 0)
        throw system_failure(what, -result);
}

} // namespace

EventLoop::EventLoop() {
    check(sd_event_new(&event_), "make an event loop");
}

EventLoop::~EventLoop() {
    sd_event_unref(event_);
}

int EventLoop::run() {
    const int status = sd_event_loop(event_);
    check(status, "run the event loop");
    return status;
}

void EventLoop::exit(int status) {
    (void)sd_event_exit(event_, status);
}

EventSource EventLoop::when_readable(BorrowedFd descriptor, Handler handler) {
    return when_ready(descriptor, EPOLLIN, std::move(handler));
}

EventSource EventLoop::when_writable(BorrowedFd descriptor, Handler handler) {
    return when_ready(descriptor, EPOLLOUT, std::move(handler));
}

EventSource EventLoop::when_ready(BorrowedFd descriptor, std::uint32_t events, Handler handler) {
    EventSource source;
    source.watched_.reset(new EventSource::Watched{.source = nullptr, .handler = std::move(handler)});
    auto* watched = source.watched_.get();
    const auto happened = [](sd_event_source*, int, std::uint32_t, void* data) {
        static_cast<EventSource::Watched*>(data)->happen();
        return 0;
    };
    check(sd_event_add_io(event_, &watched->source, descriptor.get(), events, happened, watched), "watch a descriptor");
    return source;
}

EventSource EventLoop::when_ended(BorrowedFd pidfd, Handler handler) {
    EventSource source = when_readable(pidfd, std::move(handler));
    check(sd_event_source_set_enabled(source.watched_->source, SD_EVENT_ONESHOT), "watch a process");
    return source;
}

EventSource EventLoop::after(std::chrono::microseconds time, Handler handler) {
    EventSource source;
    source.watched_.reset(new EventSource::Watched{.source = nullptr, .handler = std::move(handler)});
    auto* watched = source.watched_.get();
    const auto happened = [](sd_event_source*, std::uint64_t, void* data) {
        static_cast<EventSource::Watched*>(data)->happen();
        return 0;
    };
    check(sd_event_add_time_relative(event_, &watched->source, CLOCK_MONOTONIC,
                                     static_cast<std::uint64_t>(time.count()), 0, happened, watched),
          "set a timer");
    return source;
}

EventSource EventLoop::soon(Handler handler) {
    EventSource source;
    source.watched_.reset(new EventSource::Watched{.source = nullptr, .handler = std::move(handler)});
    auto* watched = source.watched_.get();
    const auto happened = [](sd_event_source*, void* data) {
        static_cast<EventSource::Watched*>(data)->happen();
        return 0;
    };
    check(sd_event_add_defer(event_, &watched->source, happened, watched), "defer");
    return source;
}

EventSource EventLoop::on_signal(int signal, Handler handler) {
    EventSource source;
    source.watched_.reset(new EventSource::Watched{.source = nullptr, .handler = std::move(handler)});
    auto* watched = source.watched_.get();
    const auto happened = [](sd_event_source*, const signalfd_siginfo*, void* data) {
        static_cast<EventSource::Watched*>(data)->happen();
        return 0;
    };
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, signal);
    if (::sigprocmask(SIG_BLOCK, &blocked, nullptr) < 0)
        throw system_failure("block a signal");
    check(sd_event_add_signal(event_, &watched->source, signal, happened, watched), "watch for a signal");
    return source;
}

} // namespace machinist
