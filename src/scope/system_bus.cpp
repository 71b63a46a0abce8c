// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/system_bus.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <cstdlib>
#include <fcntl.h>

namespace machinist {

namespace {

constexpr std::uint64_t patience = 30'000'000; // microseconds; a daemon may have to be started first

class Refusal {
public:
    Refusal() = default;
    Refusal(const Refusal&) = delete;
    Refusal& operator=(const Refusal&) = delete;
    ~Refusal() {
        sd_bus_error_free(&error_);
    }
    sd_bus_error* get() {
        return &error_;
    }

private:
    sd_bus_error error_{};
};

} // namespace

void must(int result, const char* what) {
    if (result < 0)
        throw system_failure(what, -result);
}

std::optional<SystemBus> SystemBus::open() {
    SystemBus opened;
    sd_bus* bus = nullptr;
    if (sd_bus_open_system(&bus) < 0)
        return std::nullopt;
    opened.bus_.reset(bus);
    return opened;
}

std::optional<SystemBus> SystemBus::adopt(int connection) {
    SystemBus adopted;
    sd_bus* bus = nullptr;
    must(sd_bus_new(&bus), "make a connection to the system bus");
    adopted.bus_.reset(bus);
    const int own = ::fcntl(connection, F_DUPFD_CLOEXEC, 3);
    if (own < 0 || sd_bus_set_fd(bus, own, own) < 0 || sd_bus_set_bus_client(bus, true) < 0 || sd_bus_start(bus) < 0)
        return std::nullopt;
    return adopted;
}

BusMessage SystemBus::new_call(const Member& member) const {
    sd_bus_message* message = nullptr;
    must(sd_bus_message_new_method_call(bus_.get(), &message, member.destination, member.path, member.interface,
                                        member.name),
         "make a message for the system bus");
    return BusMessage{message};
}

BusReply SystemBus::call(const BusMessage& message) const {
    Refusal refusal;
    sd_bus_message* answer = nullptr;
    const int result = sd_bus_call(bus_.get(), message.get(), patience, refusal.get(), &answer);
    BusReply reply;
    if (result >= 0) {
        reply.message.reset(answer);
        return reply;
    }
    reply.error_number = -result;
    reply.refused = refusal.get()->name ? refusal.get()->name : "";
    reply.reason = refusal.get()->message ? escaped_for_people(refusal.get()->message) : "";
    return reply;
}

BusMessage SystemBus::must_call(const BusMessage& message, const std::string& doing) const {
    BusReply reply = call(message);
    if (reply.message)
        return std::move(reply.message);
    if (reply.reason.empty())
        throw system_failure(doing, reply.error_number);
    throw Failure{FailureKind::system, doing + ": " + reply.reason};
}

std::optional<std::string> SystemBus::text_property(const Member& property) const {
    char* text = nullptr;
    if (sd_bus_get_property_string(bus_.get(), property.destination, property.path, property.interface, property.name,
                                   nullptr, &text) < 0)
        return std::nullopt;
    const std::unique_ptr<char, decltype(&::free)> owned{text, &::free};
    return std::string{text};
}

std::optional<std::uint32_t> SystemBus::number_property(const Member& property) const {
    std::uint32_t number = 0;
    if (sd_bus_get_property_trivial(bus_.get(), property.destination, property.path, property.interface, property.name,
                                    nullptr, 'u', &number) < 0)
        return std::nullopt;
    return number;
}

} // namespace machinist
