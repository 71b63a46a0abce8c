// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/connection.hpp"

#include "bus/bus_error.hpp"
#include "bus/log.hpp"

#include <cerrno>
#include <systemd/sd-event.h>

namespace machinist {

namespace {

void check(int result, const std::string& what) {
    if (result < 0)
        throw system_failure(what, -result);
}

template <typename Handler>
int guarded(Handler&& handler) noexcept {
    try {
        handler();
    } catch (const std::exception& broken) {
        log_error(std::string{"a message of the bus could not be handled: "} + broken.what());
    }
    return 0;
}

} // namespace

bool Answer::failed() const {
    return sd_bus_message_is_method_error(message_, nullptr) > 0;
}

std::string Answer::error_name() const {
    const sd_bus_error* error = sd_bus_message_get_error(message_);
    return error == nullptr || error->name == nullptr ? "" : error->name;
}

Failure Answer::failure(std::string object) const {
    const sd_bus_error* error = sd_bus_message_get_error(message_);
    return failure_of({error_name(), error == nullptr || error->message == nullptr ? "" : error->message},
                      std::move(object));
}

Connection::Connection(EventLoop& loop) {
    check(sd_bus_open_system_with_description(&bus_, "machinist"), "connect to the system bus");
    check(sd_bus_set_exit_on_disconnect(bus_, 1), "watch the bus");
    check(sd_bus_attach_event(bus_, loop.raw(), SD_EVENT_PRIORITY_NORMAL), "attach the bus to the loop");
}

Connection::Connection(EventLoop& loop, sd_bus* opened) : bus_(opened) {
    check(sd_bus_attach_event(bus_, loop.raw(), SD_EVENT_PRIORITY_NORMAL), "attach a connection to the loop");
}

Connection::Connection(EventLoop& loop, UniqueFd connected) : trusted_(false) {
    check(sd_bus_new(&bus_), "make a connection");
    check(sd_bus_set_fd(bus_, connected.get(), connected.get()), "use a socket as a connection");
    (void)connected.release();
    check(sd_bus_set_bus_client(bus_, 1), "be a client of a bus");
    check(sd_bus_negotiate_fds(bus_, 1), "ask for descriptors on a bus");
    check(sd_bus_start(bus_), "start a connection");
    check(sd_bus_attach_event(bus_, loop.raw(), SD_EVENT_PRIORITY_NORMAL), "attach a connection to the loop");
}

Connection::~Connection() {
    if (trusted_)
        sd_bus_flush_close_unref(bus_);
    else
        sd_bus_close_unref(bus_);
}

bool Connection::take_name(const std::string& name, bool wait) {
    const int result =
        sd_bus_request_name(bus_, name.c_str(), wait ? std::uint64_t{SD_BUS_NAME_QUEUE} : std::uint64_t{0});
    if (result == -EEXIST || (wait && result == 0))
        return false;
    if (result == -EALREADY)
        return true;
    check(result, "take the name '" + name + "' on the bus");
    return true;
}

void Connection::release_name(const std::string& name) {
    (void)sd_bus_release_name(bus_, name.c_str());
}

sd_bus_slot* Connection::start_call(const Method& method, const Fill& fill, OnAnswer on_answer,
                                    std::chrono::seconds timeout) {
    sd_bus_message* message = nullptr;
    wire::written(sd_bus_message_new_method_call(bus_, &message, method.destination, method.path, method.interface,
                                                 method.member));
    const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owner{message, sd_bus_message_unref};
    if (fill)
        fill(message);
    auto handler = std::make_unique<OnAnswer>(std::move(on_answer));
    const auto answered = [](sd_bus_message* answer, void* data, sd_bus_error*) {
        return guarded([&] { (*static_cast<OnAnswer*>(data))(Answer{answer}); });
    };
    sd_bus_slot* slot = nullptr;
    check(sd_bus_call_async(bus_, &slot, message, answered, handler.get(),
                            static_cast<std::uint64_t>(std::chrono::microseconds{timeout}.count())),
          std::string{"call "} + method.member);
    (void)sd_bus_slot_set_destroy_callback(slot, [](void* data) { delete static_cast<OnAnswer*>(data); });
    (void)handler.release();
    return slot;
}

void Connection::call(const Method& method, const Fill& fill, OnAnswer on_answer, std::chrono::seconds timeout) {
    sd_bus_slot* slot = start_call(method, fill, std::move(on_answer), timeout);
    (void)sd_bus_slot_set_floating(slot, 1);
    sd_bus_slot_unref(slot);
}

BusSlot Connection::call_while(const Method& method, const Fill& fill, OnAnswer on_answer,
                               std::chrono::seconds timeout) {
    return BusSlot{start_call(method, fill, std::move(on_answer), timeout)};
}

BusSlot Connection::match(const std::string& rule, OnMessage handler) {
    auto kept = std::make_unique<OnMessage>(std::move(handler));
    const auto matched = [](sd_bus_message* message, void* data, sd_bus_error*) {
        return guarded([&] { (*static_cast<OnMessage*>(data))(message); });
    };
    sd_bus_slot* slot = nullptr;
    check(sd_bus_add_match(bus_, &slot, rule.c_str(), matched, kept.get()), "listen to '" + rule + "'");
    (void)sd_bus_slot_set_destroy_callback(slot, [](void* data) { delete static_cast<OnMessage*>(data); });
    (void)kept.release();
    return BusSlot{slot};
}

BusSlot Connection::when_gone(const std::string& unique_name, std::function<void()> handler) {
    BusSlot slot = match("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                         "member='NameOwnerChanged',arg0='" +
                             unique_name + "'",
                         [handler = std::move(handler)](sd_bus_message*) { handler(); });
    // Who went before that is not told of.
    if (sd_bus_get_name_creds(bus_, unique_name.c_str(), 0, nullptr) == -ENXIO)
        throw Failure{FailureKind::not_found, "the caller has left the bus"};
    return slot;
}

bool Connection::process_one() {
    return sd_bus_process(bus_, nullptr) > 0;
}

bool Connection::wait_and_process(std::chrono::microseconds time) {
    return sd_bus_process(bus_, nullptr) > 0 || sd_bus_wait(bus_, static_cast<std::uint64_t>(time.count())) > 0;
}

void Connection::flush() {
    (void)sd_bus_flush(bus_);
}

} // namespace machinist
