// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that move files between the host and machines, or show them.
#include "kernel/files.hpp"
#include "base/failure.hpp"
#include "daemon/errands.hpp"
#include "daemon/interfaces.hpp"

#include <fcntl.h>

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{25};
constexpr std::uint64_t copy_replace = 1;

void copy(Service& service, const Call& call, const std::string& name, ErrandKind kind, bool has_flags) {
    auto source = call.take<std::string>();
    auto destination = call.take<std::string>();
    const std::uint64_t flags = has_flags ? call.take<std::uint64_t>() : 0;
    when_allowed(service, call, {.action = manage_machines, .verb = "copy", .machine = name}, [=, &service] {
        if ((flags & ~copy_replace) != 0)
            throw Failure{FailureKind::invalid, "Invalid flags"};
        service.errands.run(service.registry.get(name),
                            {.kind = kind,
                             .words = {source, destination.empty() ? source : destination},
                             .replace = (flags & copy_replace) != 0},
                            until_caller_leaves(call), replying_when_done(call));
    });
}

void attach_copy(Interfaces& interfaces, Service& service, const std::string& direction, ErrandKind kind) {
    for (const bool has_flags : {false, true}) {
        const std::string suffix = has_flags ? "WithFlags" : "";
        attach_verb(interfaces, service, ("Copy" + direction + "Machine" + suffix).c_str(),
                    ("Copy" + direction + suffix).c_str(),
                    [&service, kind, has_flags](const Call& call, const std::string& name) {
                        copy(service, call, name, kind, has_flags);
                    });
    }
}

void bind(Service& service, const Call& call, const std::string& name) {
    const auto source = call.take<std::string>();
    const auto destination = call.take<std::string>();
    const auto read_only = call.take<bool>();
    const auto make = call.take<bool>();
    when_allowed(service, call, {.action = manage_machines, .verb = "bind", .machine = name}, [=, &service] {
        service.errands.run(service.registry.get(name),
                            {.kind = ErrandKind::bind,
                             .words = {source, destination.empty() ? source : destination},
                             .read_only = read_only,
                             .make = make},
                            {.patience = patience}, replying_when_done(call));
    });
}

void unbind(Service& service, const Call& call, const std::string& name) {
    const auto path = call.take<std::string>();
    const auto detach = call.take<bool>();
    when_allowed(service, call, {.action = manage_machines, .verb = "unbind", .machine = name}, [=, &service] {
        service.errands.run(service.registry.get(name), {.kind = ErrandKind::unbind, .words = {path}, .detach = detach},
                            {.patience = patience}, replying_when_done(call));
    });
}

void open_root_directory(Service& service, const Call& call, const std::string& name) {
    when_allowed(service, call, {.action = manage_machines, .verb = "open_root_directory", .machine = name},
                 [=, &service] {
                     const RegisteredMachine& machine = service.registry.get(name);
                     if (machine.is_host) {
                         const UniqueFd root = open_path("/", O_RDONLY | O_DIRECTORY);
                         call.reply(BorrowedFd{root});
                         return;
                     }
                     service.errands.run(machine, {.kind = ErrandKind::root}, {.patience = patience},
                                         [call](ErrandAnswer* done, const Failure* failure) {
                                             answer(call, [&] {
                                                 if (failure != nullptr)
                                                     throw Failure{*failure};
                                                 const BorrowedFd root = done->descriptors.at(0);
                                                 call.reply(root);
                                             });
                                         });
                 });
}

} // namespace

void attach_files(Interfaces& interfaces, Service& service) {
    attach_copy(interfaces, service, "To", ErrandKind::copy_to);
    attach_copy(interfaces, service, "From", ErrandKind::copy_from);
    attach_verb(interfaces, service, "BindMountMachine", "BindMount",
                [&service](const Call& call, const std::string& name) { bind(service, call, name); });
    attach_machine_verb(interfaces.machine1, service, "Unbind",
                        [&service](const Call& call, const std::string& name) { unbind(service, call, name); });
    attach_verb(interfaces, service, "OpenMachineRootDirectory", "OpenRootDirectory",
                [&service](const Call& call, const std::string& name) { open_root_directory(service, call, name); });
}

} // namespace machinist
