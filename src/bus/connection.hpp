// SPDX-License-Identifier: LGPL-2.1-or-later
// The connection to the system bus, driven by the event loop: names, calls to others, signals.
#pragma once

#include "bus/event_loop.hpp"
#include "bus/wire.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace machinist {

// What a call to another service brought.
class Answer {
public:
    explicit Answer(sd_bus_message* message) : message_(message) {}

    [[nodiscard]] bool failed() const;
    [[nodiscard]] std::string error_name() const;
    // object: what was asked for, for the sentence.
    [[nodiscard]] Failure failure(std::string object) const;
    template <typename T>
    [[nodiscard]] T take() const {
        return wire::get<T>(message_);
    }

private:
    sd_bus_message* message_;
};

struct Method {
    const char* destination;
    const char* path;
    const char* interface;
    const char* member;
};

// A match or a call on its way, for as long as it lives.
class BusSlot {
public:
    BusSlot() = default;
    explicit BusSlot(sd_bus_slot* slot) : slot_(slot, sd_bus_slot_unref) {}

private:
    std::unique_ptr<sd_bus_slot, decltype(&sd_bus_slot_unref)> slot_{nullptr, sd_bus_slot_unref};
};

class Connection {
public:
    using Fill = std::function<void(sd_bus_message*)>;
    using OnAnswer = std::function<void(const Answer&)>;
    using OnMessage = std::function<void(sd_bus_message*)>;

    // To the bus of DBUS_SYSTEM_BUS_ADDRESS, else the system's. When the bus goes, the loop ends with status 1.
    explicit Connection(EventLoop& loop);
    // Takes over one that was opened, and does not end the loop with it.
    Connection(EventLoop& loop, sd_bus* opened);
    // Over a connected socket, to a bus that is not trusted: it is never waited for, and its end is no end of ours.
    Connection(EventLoop& loop, UniqueFd connected);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    // False if somebody else has it. With wait, it will be ours when they let go of it: on_name() tells.
    bool take_name(const std::string& name, bool wait);
    void release_name(const std::string& name);

    // The answer comes through the loop; after the timeout it is a failure, too.
    void call(const Method& method, const Fill& fill, OnAnswer on_answer,
              std::chrono::seconds timeout = std::chrono::seconds{25});
    // The same, forgotten when the slot goes.
    [[nodiscard]] BusSlot call_while(const Method& method, const Fill& fill, OnAnswer on_answer,
                                     std::chrono::seconds timeout);
    // handler: of the signals that come after this returns.
    [[nodiscard]] BusSlot match(const std::string& rule, OnMessage handler);
    // Once, when the connection with that unique name leaves the bus. Throws Failure(not_found) if it has left already.
    [[nodiscard]] BusSlot when_gone(const std::string& unique_name, std::function<void()> handler);

    // True if something was done. For the end of a program, outside of the loop.
    bool process_one();
    // The same, waiting for something to do. False if nothing came in time, or the connection is gone.
    bool wait_and_process(std::chrono::microseconds time);
    void flush();

    [[nodiscard]] sd_bus* raw() const {
        return bus_;
    }

private:
    sd_bus_slot* start_call(const Method& method, const Fill& fill, OnAnswer on_answer, std::chrono::seconds timeout);

    sd_bus* bus_ = nullptr;
    bool trusted_ = true;
};

} // namespace machinist
