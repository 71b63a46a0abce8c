// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/service_client.hpp"

#include "base/failure.hpp"
#include "bus/connection.hpp"
#include "registry/entry.hpp"

#include <chrono>
#include <fcntl.h>
#include <optional>
#include <variant>

namespace machinist {

namespace {

constexpr const char* service = "org.freedesktop.machine1";
constexpr const char* manager_path = "/org/freedesktop/machine1";
constexpr const char* manager = "org.freedesktop.machine1.Manager";
// Somebody may have to find a password first.
constexpr std::chrono::seconds patience{120};
constexpr std::chrono::hours longest_copy{24};

class ServiceClient {
public:
    void ask(const Method& method, const Connection::Fill& fill, const std::function<void(const Answer&)>& take = {},
             std::chrono::seconds timeout = patience) {
        std::optional<Failure> failure;
        bool answered = false;
        bus_.call(
            method,
            [&](sd_bus_message* message) {
                wire::written(sd_bus_message_set_allow_interactive_authorization(message, 1));
                fill(message);
            },
            [&](const Answer& answer) {
                answered = true;
                if (answer.failed())
                    failure = answer.failure(method.member);
                else if (take)
                    take(answer);
            },
            timeout);
        while (!answered && bus_.wait_and_process(timeout))
            continue;
        if (!answered)
            throw Failure{FailureKind::timed_out, std::string{method.member} + ": the service does not answer"};
        if (failure)
            throw std::move(*failure);
    }

private:
    EventLoop loop_; // never run: what is asked here is waited for
    Connection bus_{loop_};
};

constexpr Method of_manager(const char* member) {
    return {service, manager_path, manager, member};
}

std::string object_of(ServiceClient& client, const std::string& machine) {
    std::string object;
    client.ask(
        of_manager("GetMachine"), [&](sd_bus_message* message) { wire::put(message, machine); },
        [&](const Answer& answer) { object = answer.take<ObjectPath>().text; });
    return object;
}

Pidfd leader_of(ServiceClient& client, const std::string& machine) {
    const std::string object = object_of(client, machine);
    Variant leader;
    client.ask(
        {service, object.c_str(), "org.freedesktop.DBus.Properties", "Get"},
        [](sd_bus_message* message) {
            wire::put(message, std::string{"org.freedesktop.machine1.Machine"});
            wire::put(message, std::string{"Leader"});
        },
        [&](const Answer& answer) { leader = answer.take<Variant>(); });
    const auto* number = std::get_if<std::uint32_t>(&leader);
    auto held = number == nullptr ? std::nullopt : Pidfd::open(static_cast<pid_t>(*number));
    if (!held)
        throw Failure{FailureKind::not_found, "machine '" + machine + "' has ended"};
    return std::move(*held);
}

} // namespace

void ask_service(const std::string& machine, const Errand& errand) {
    ServiceClient client;
    if (errand.kind == ErrandKind::unbind) {
        const std::string object = object_of(client, machine);
        client.ask({service, object.c_str(), "io.machinist.Machine1", "Unbind"}, [&](sd_bus_message* message) {
            wire::put(message, errand.words.at(0));
            wire::put(message, errand.detach);
        });
        return;
    }
    const bool copies = errand.kind != ErrandKind::bind;
    const char* member = errand.kind == ErrandKind::copy_to     ? "CopyToMachineWithFlags"
                         : errand.kind == ErrandKind::copy_from ? "CopyFromMachineWithFlags"
                                                                : "BindMountMachine";
    client.ask(
        of_manager(member),
        [&](sd_bus_message* message) {
            wire::put(message, machine);
            wire::put(message, errand.words.at(0));
            wire::put(message, errand.words.at(1));
            if (copies) {
                wire::put(message, std::uint64_t{errand.replace ? 1U : 0U});
                return;
            }
            wire::put(message, errand.read_only);
            wire::put(message, errand.make);
        },
        {}, copies ? std::chrono::seconds{longest_copy} : patience);
}

void open_session_by_service(const std::string& machine, const std::optional<ShellUnit>& shell, bool quiet,
                             const std::function<void()>& announce, const Places& places) {
    ServiceClient client;
    SharedFd master;
    client.ask(
        of_manager(shell ? "OpenMachineShell" : "OpenMachineLogin"),
        [&](sd_bus_message* message) {
            wire::put(message, machine);
            if (!shell)
                return;
            wire::put(message, shell->user);
            wire::put(message, shell->program);
            wire::put(message, shell->arguments);
            wire::put(message, shell->environment);
        },
        [&](const Answer& answer) { master = answer.take<SharedFd>(); });
    const Pidfd leader = leader_of(client, machine);
    announce();
    UniqueFd own{::fcntl(master->get(), F_DUPFD_CLOEXEC, 3)};
    prepare_relay(machine, leader, std::move(own), !shell, quiet, places).execute();
}

} // namespace machinist
