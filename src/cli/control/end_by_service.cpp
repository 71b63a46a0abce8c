// SPDX-License-Identifier: LGPL-2.1-or-later
// The orderly end of machines, for those who have to ask the service for it.
#include "base/failure.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/service_client.hpp"

#include <cstdio>
#include <cstdlib>
#include <set>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using Names = std::set<std::string>;

constexpr std::chrono::hours for_ever{24 * 365};

// By whoever knows how this machine's init is asked; false if it is not known to them.
bool ask_ours(ServiceClient& client, const std::string& name, EndKind kind) {
    const std::string object = client.object_of(name);
    try {
        return client.ask_if_served(
            {our_service, object.c_str(), our_machine, kind == EndKind::reboot ? "Reboot" : "PowerOff"}, {});
    } catch (const Failure& failure) {
        if (failure.kind() != FailureKind::no_machine)
            throw;
        return false;
    }
}

// Those of whom the service tells that, from now on.
BusSlot note(ServiceClient& client, const char* member, Names& names) {
    return client.bus().match(std::string{"type='signal',sender='"} + machine1_service + "',interface='" +
                                  machine1_manager + "',member='" + member + "'",
                              [&names](sd_bus_message* message) { names.insert(wire::get<std::string>(message)); });
}

} // namespace

int end_by_service(const Invocation& call, EndKind kind) {
    ServiceClient client{call};
    for (const std::string& name : call.words)
        (void)client.object_of(name);
    Names pending{call.words.begin(), call.words.end()};
    Names told;
    const BusSlot slot = note(client, kind == EndKind::reboot ? "MachineNew" : "MachineRemoved", told);
    client.let_person_be_asked();
    for (const std::string& name : call.words)
        if (!ask_ours(client, name, kind))
            client.ask(of_manager("KillMachine"), [&](sd_bus_message* message) {
                wire::put(message, name);
                wire::put(message, std::string{"leader"});
                // Inits of systemd's listen to it; systemd-machined knows of no others.
                wire::put(message, std::int32_t{orderly_end("systemd", kind).signal});
            });
    if (!call.wait)
        return EXIT_SUCCESS;
    Clock::time_point deadline = Clock::now() + for_ever;
    if (call.seconds)
        deadline =
            Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{*call.seconds});
    const auto all_happened = [&] {
        for (const std::string& name : told)
            pending.erase(name);
        return pending.empty();
    };
    if (client.wait_until(all_happened, deadline))
        return EXIT_SUCCESS;
    for (const std::string& name : pending)
        std::fprintf(stderr, "machinist: machine '%s' has not %s yet\n", name.c_str(),
                     kind == EndKind::reboot ? "started again" : "ended");
    return EXIT_FAILURE;
}

} // namespace machinist
