// SPDX-License-Identifier: LGPL-2.1-or-later
// One method call that waits for its answer. It may be kept and answered later; copies mean the same call. A call that
// nobody answered when its last copy goes is answered by a failure: no caller waits for ever because of a bug of ours.
#pragma once

#include "base/failure.hpp"
#include "bus/wire.hpp"

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>

namespace machinist {

// Who called, as the bus knows it.
struct Caller {
    std::string bus_name; // unique: never of anybody else while the bus runs
    uid_t uid = UINT32_MAX;
    pid_t pid = 0;
    bool may_be_asked = false; // wants to be asked for a password rather than be refused
};

class Call {
public:
    explicit Call(sd_bus_message* message);

    // The next arguments, in their order.
    template <typename T>
    [[nodiscard]] T take() const {
        return wire::get<T>(message());
    }

    template <typename... T>
    void reply(const T&... values) const {
        sd_bus_message* answer = begin_reply();
        const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owner{answer, sd_bus_message_unref};
        (wire::put(answer, values), ...);
        send(answer);
    }
    // For answers whose writing is worth doing by hand.
    template <std::invocable<sd_bus_message*> Write>
    void reply_with(Write&& write) const {
        sd_bus_message* answer = begin_reply();
        const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owner{answer, sd_bus_message_unref};
        write(answer);
        send(answer);
    }
    // Its bytes have been sent already.
    void answered_otherwise() const;
    void fail(const Failure& failure) const noexcept;
    // For those who speak for others.
    void fail_as(const std::string& error_name, const std::string& sentence) const noexcept;
    // A bug of ours: logged here, told without details.
    void fail_inside(const std::exception& broken) const noexcept;

    // Asks the bus for what it does not know yet.
    [[nodiscard]] Caller caller() const;
    static Caller caller_of(sd_bus_message* message);
    [[nodiscard]] const char* path() const;
    [[nodiscard]] const char* member() const;
    [[nodiscard]] sd_bus_message* message() const;

    // Calls that are not answered yet: while there are any, the service is not idle.
    static std::size_t waiting();
    // All calls since the start.
    static std::uint64_t served();

private:
    struct State;
    [[nodiscard]] sd_bus_message* begin_reply() const;
    void send(sd_bus_message* answer) const;

    std::shared_ptr<State> state_;
};

// Every handler, and every continuation of one, runs in this: what it throws becomes the answer.
template <std::invocable Body>
void answer(const Call& call, Body&& body) noexcept {
    try {
        std::forward<Body>(body)();
    } catch (const Failure& failure) {
        call.fail(failure);
    } catch (const std::exception& broken) {
        call.fail_inside(broken);
    }
}

} // namespace machinist
