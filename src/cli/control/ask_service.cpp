// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/ask_service.hpp"

#include "base/failure.hpp"
#include "cli/control/service_client.hpp"
#include "registry/entry.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::chrono::hours longest_copy{24};

void ask_of_each(const Invocation& call, const char* member,
                 const std::function<void(sd_bus_message*, const std::string&)>& fill) {
    ServiceClient client{call};
    for (const std::string& name : call.words)
        (void)client.object_of(name);
    client.let_person_be_asked();
    for (const std::string& name : call.words)
        client.ask(of_manager(member), [&](sd_bus_message* message) { fill(message, name); });
}

} // namespace

bool asks_service(const Invocation& call) {
    return call.is_remote() || ::geteuid() != 0;
}

void ask_for_errand(const Invocation& call, const std::string& machine, const Errand& errand) {
    ServiceClient client{call};
    client.let_person_be_asked();
    if (errand.kind == ErrandKind::unbind) {
        const std::string object = client.object_of(machine);
        client.ask({machine1_service, object.c_str(), our_machine, "Unbind"}, [&](sd_bus_message* message) {
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
        {}, copies ? std::chrono::seconds{longest_copy} : ServiceClient::patience);
}

void ask_to_kill(const Invocation& call, const std::string& whom, int signal) {
    ask_of_each(call, "KillMachine", [&](sd_bus_message* message, const std::string& name) {
        wire::put(message, name);
        wire::put(message, whom);
        wire::put(message, std::int32_t{signal});
    });
}

void ask_to_terminate(const Invocation& call) {
    ask_of_each(call, "TerminateMachine",
                [](sd_bus_message* message, const std::string& name) { wire::put(message, name); });
}

void ask_ours_to(const Invocation& call, const char* member) {
    ServiceClient client{call};
    std::vector<std::string> objects;
    for (const std::string& name : call.words)
        objects.push_back(client.object_of(name));
    client.let_person_be_asked();
    for (const std::string& object : objects)
        client.ask({our_service, object.c_str(), our_machine, member}, {});
}

void open_session_by_service(const Invocation& call, const std::string& machine, const std::optional<ShellUnit>& shell,
                             const std::function<void()>& announce, const Places& places) {
    ServiceClient client{call};
    client.let_person_be_asked();
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
    const Pidfd leader = client.leader_of(machine);
    client.end_agent();
    announce();
    UniqueFd own{::fcntl(master->get(), F_DUPFD_CLOEXEC, 3)};
    prepare_relay(machine, leader, std::move(own), !shell, call.quiet, places).execute();
}

} // namespace machinist
