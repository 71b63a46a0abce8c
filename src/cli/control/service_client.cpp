// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/service_client.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <systemd/sd-bus.h>
#include <variant>

namespace machinist {

namespace {

// A bus answers these for services that it cannot start, and services for what they have not.
constexpr std::array unserved{std::string_view{"org.freedesktop.DBus.Error.ServiceUnknown"},
                              std::string_view{"org.freedesktop.DBus.Error.NameHasNoOwner"},
                              std::string_view{"org.freedesktop.DBus.Error.UnknownObject"},
                              std::string_view{"org.freedesktop.DBus.Error.UnknownInterface"},
                              std::string_view{"org.freedesktop.DBus.Error.UnknownMethod"},
                              std::string_view{"org.freedesktop.systemd1.NoSuchUnit"},
                              std::string_view{"org.freedesktop.systemd1.UnitMasked"},
                              std::string_view{"org.freedesktop.systemd1.LoadFailed"}};

bool says_unserved(const Answer& answer) {
    const std::string name = answer.error_name();
    return std::ranges::find(unserved, name) != unserved.end() || name.starts_with("org.freedesktop.DBus.Error.Spawn.");
}

sd_bus* open_bus(const Invocation& call) {
    sd_bus* bus = nullptr;
    std::string what = "connect to the system bus";
    int result = 0;
    if (call.host) {
        what += " of host '" + *call.host + "'";
        result = sd_bus_open_system_remote(&bus, call.host->c_str());
    } else if (call.container) {
        what += " in machine '" + *call.container + "'";
        result = sd_bus_open_system_machine(&bus, call.container->c_str());
    } else {
        result = sd_bus_open_system_with_description(&bus, "machinist");
    }
    if (result < 0)
        throw system_failure(std::move(what), -result);
    return bus;
}

} // namespace

ServiceClient::ServiceClient(const Invocation& call)
    : bus_(loop_, open_bus(call)), person_is_here_(!call.is_remote() && call.ask_password) {}

std::unique_ptr<ServiceClient> ServiceClient::connect_if_there(const Invocation& call) {
    try {
        return std::make_unique<ServiceClient>(call);
    } catch (const Failure&) {
        if (call.is_remote())
            throw;
        return nullptr;
    }
}

void ServiceClient::let_person_be_asked() {
    if (person_is_here_ && !agent_)
        agent_ = PolkitAgent::start_on_terminal();
    may_ask_ = person_is_here_;
}

ServiceClient::Reply ServiceClient::call(const Method& method, const Fill& fill, const Take& take,
                                         std::chrono::seconds timeout) {
    Reply reply;
    bus_.call(
        method,
        [&](sd_bus_message* message) {
            wire::written(sd_bus_message_set_allow_interactive_authorization(message, may_ask_ ? 1 : 0));
            if (fill)
                fill(message);
        },
        [&](const Answer& answer) {
            reply.answered = true;
            reply.served = !answer.failed() || !says_unserved(answer);
            try {
                if (answer.failed())
                    reply.failure = answer.failure(method.member);
                else if (take)
                    take(answer);
            } catch (const Failure& failure) {
                reply.failure = failure;
            }
        },
        timeout);
    (void)wait_until([&] { return reply.answered; }, std::chrono::steady_clock::now() + timeout);
    if (!reply.answered)
        throw Failure{FailureKind::timed_out, std::string{method.member} + ": the service does not answer"};
    return reply;
}

void ServiceClient::ask(const Method& method, const Fill& fill, const Take& take, std::chrono::seconds timeout) {
    if (auto reply = call(method, fill, take, timeout); reply.failure)
        throw std::move(*reply.failure);
}

bool ServiceClient::ask_if_served(const Method& method, const Fill& fill, const Take& take,
                                  std::chrono::seconds timeout) {
    auto reply = call(method, fill, take, timeout);
    if (!reply.served)
        return false;
    if (reply.failure)
        throw std::move(*reply.failure);
    return true;
}

bool ServiceClient::wait_until(const std::function<bool()>& condition, std::chrono::steady_clock::time_point deadline) {
    while (!condition()) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= std::chrono::steady_clock::duration::zero())
            return false;
        if (!bus_.wait_and_process(std::chrono::ceil<std::chrono::microseconds>(left)) &&
            sd_bus_is_open(bus_.raw()) <= 0 && !condition())
            throw Failure{FailureKind::system, "the bus has gone"};
    }
    return true;
}

std::string ServiceClient::object_of(const std::string& machine) {
    std::string object;
    ask(
        of_manager("GetMachine"), [&](sd_bus_message* message) { wire::put(message, machine); },
        [&](const Answer& answer) { object = answer.take<ObjectPath>().text; });
    return object;
}

Pidfd ServiceClient::leader_of(const std::string& machine) {
    const std::string object = object_of(machine);
    Variant leader;
    ask(
        {machine1_service, object.c_str(), "org.freedesktop.DBus.Properties", "Get"},
        [](sd_bus_message* message) {
            wire::put(message, std::string{machine1_machine});
            wire::put(message, std::string{"Leader"});
        },
        [&](const Answer& answer) { leader = answer.take<Variant>(); });
    const auto* number = std::get_if<std::uint32_t>(&leader);
    auto held = number == nullptr ? std::nullopt : Pidfd::open(static_cast<pid_t>(*number));
    if (!held)
        throw Failure{FailureKind::not_found, "machine '" + machine + "' has ended"};
    return std::move(*held);
}

} // namespace machinist
