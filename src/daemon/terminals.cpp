// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that open terminals in machines.
#include "base/failure.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/sessions.hpp"

namespace machinist {

namespace {

Sessions::OnOpened replying_with_terminal(const Call& call) {
    return [call](const Sessions::Opened* opened, const Failure* failure) {
        answer(call, [&] {
            if (failure != nullptr)
                throw Failure{*failure};
            call.reply(opened->master, opened->slave);
        });
    };
}

std::string action_for(const std::string& name, const char* what) {
    return std::string{"org.freedesktop.machine1."} + (name == ".host" ? "host-" : "") + what;
}

void open_shell(Service& service, Sessions& sessions, const Call& call, const std::string& name) {
    ShellUnit shell{.user = call.take<std::string>(),
                    .program = call.take<std::string>(),
                    .arguments = call.take<std::vector<std::string>>(),
                    .environment = call.take<std::vector<std::string>>()};
    const std::string user = shell.user.empty() ? "root" : shell.user;
    when_allowed(service, call,
                 {.action = action_for(name, "shell"),
                  .verb = "shell",
                  .machine = name,
                  .owner_may = has_own_users(service, name),
                  .details = {{"user", user}, {"program", shell.program.empty() ? "login shell" : shell.program}}},
                 [=, &service, &sessions] {
                     sessions.open(service.registry.get(name), Sessions::Kind::shell, shell,
                                   replying_with_terminal(call));
                 });
}

} // namespace

void attach_terminals(Interfaces& interfaces, Service& service, Sessions& sessions) {
    attach_verb(interfaces, service, "OpenMachinePTY", "OpenPTY", [&](const Call& call, const std::string& name) {
        when_allowed(service, call, {.action = action_for(name, "open-pty"), .machine = name, .owner_may = true},
                     [=, &service, &sessions] {
                         sessions.open(service.registry.get(name), Sessions::Kind::terminal, {},
                                       replying_with_terminal(call));
                     });
    });
    attach_verb(interfaces, service, "OpenMachineLogin", "OpenLogin", [&](const Call& call, const std::string& name) {
        when_allowed(
            service, call, {.action = action_for(name, "login"), .verb = "login", .machine = name, .owner_may = true},
            [=, &service, &sessions] {
                sessions.open(service.registry.get(name), Sessions::Kind::login, {}, replying_with_terminal(call));
            });
    });
    attach_verb(interfaces, service, "OpenMachineShell", "OpenShell",
                [&](const Call& call, const std::string& name) { open_shell(service, sessions, call, name); });
}

} // namespace machinist
