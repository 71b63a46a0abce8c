// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/call.hpp"

#include "bus/bus_error.hpp"
#include "bus/log.hpp"

#include <array>
#include <cerrno>

namespace machinist {

namespace {

std::size_t calls_waiting = 0;
std::uint64_t calls_served = 0;

struct Known {
    std::string bus_name;
    uid_t uid = UINT32_MAX;
    pid_t pid = 0;
};
// The last callers. A unique name belongs to one connection for as long as the bus runs, and its ids are those that
// it had when it connected, so what was told once stays true.
std::array<Known, 32> known_callers;
std::size_t next_known = 0;

const Known& known_caller(sd_bus_message* message) {
    const char* sender = sd_bus_message_get_sender(message);
    if (sender == nullptr)
        throw Failure{FailureKind::not_permitted, "a caller without a name on the bus"};
    for (const Known& known : known_callers)
        if (known.bus_name == sender)
            return known;
    sd_bus_creds* credentials = nullptr;
    const int asked = sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID | SD_BUS_CREDS_PID, &credentials);
    const std::unique_ptr<sd_bus_creds, decltype(&sd_bus_creds_unref)> owner{credentials, sd_bus_creds_unref};
    if (asked < 0)
        throw Failure{FailureKind::not_permitted, "ask the bus who the caller is", -asked};
    Known known{.bus_name = sender};
    if (const int found = sd_bus_creds_get_euid(credentials, &known.uid); found < 0)
        throw Failure{FailureKind::not_permitted, "ask the bus for the caller's user", -found};
    if (sd_bus_creds_get_pid(credentials, &known.pid) < 0)
        known.pid = 0;
    Known& place = known_callers[next_known];
    next_known = (next_known + 1) % known_callers.size();
    place = std::move(known);
    return place;
}

} // namespace

struct Call::State {
    sd_bus_message* message;
    bool answered = false;

    explicit State(sd_bus_message* of) : message(sd_bus_message_ref(of)) {
        ++calls_waiting;
        ++calls_served;
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (!answered) {
            log_error(std::string{"a call of "} + sd_bus_message_get_member(message) + " went unanswered");
            fail(bus_error_of(Failure{FailureKind::internal, "the call was lost inside of the service"}));
        }
        sd_bus_message_unref(message);
    }
    void done() {
        if (!answered)
            --calls_waiting;
        answered = true;
    }
    void fail(const BusError& error) noexcept {
        if (answered)
            return;
        done();
        sd_bus_error plain{error.name.c_str(), error.sentence.c_str(), 0};
        if (const int sent = sd_bus_reply_method_error(message, &plain); sent < 0 && sent != -ENOTCONN)
            log_warning("an answer could not be sent: " + error.sentence);
    }
};

Call::Call(sd_bus_message* message) : state_(std::make_shared<State>(message)) {}

sd_bus_message* Call::message() const {
    return state_->message;
}

const char* Call::path() const {
    return sd_bus_message_get_path(state_->message);
}

const char* Call::member() const {
    return sd_bus_message_get_member(state_->message);
}

sd_bus_message* Call::begin_reply() const {
    sd_bus_message* answer = nullptr;
    wire::written(sd_bus_message_new_method_return(state_->message, &answer));
    return answer;
}

void Call::send(sd_bus_message* answer) const {
    if (state_->answered)
        return;
    // Whoever called may be gone: that is no failure of the call.
    const int sent = sd_bus_send(nullptr, answer, nullptr);
    if (sent < 0 && sent != -ENOTCONN && sent != -ECONNRESET)
        throw Failure{FailureKind::system, "send an answer", -sent};
    state_->done();
}

void Call::answered_otherwise() const {
    state_->done();
}

void Call::fail(const Failure& failure) const noexcept {
    try {
        state_->fail(bus_error_of(failure));
    } catch (const std::exception& broken) {
        log_error(broken.what());
    }
}

void Call::fail_as(const std::string& error_name, const std::string& sentence) const noexcept {
    state_->fail({error_name, sentence});
}

void Call::fail_inside(const std::exception& broken) const noexcept {
    log_error(std::string{"a bug in "} + member() + ": " + broken.what());
    fail(Failure{FailureKind::internal, "the service failed inside; its journal tells more"});
}

Caller Call::caller() const {
    return caller_of(state_->message);
}

Caller Call::caller_of(sd_bus_message* message) {
    const Known& known = known_caller(message);
    return {.bus_name = known.bus_name,
            .uid = known.uid,
            .pid = known.pid,
            .may_be_asked = sd_bus_message_get_allow_interactive_authorization(message) > 0};
}

std::size_t Call::waiting() {
    return calls_waiting;
}

std::uint64_t Call::served() {
    return calls_served;
}

} // namespace machinist
