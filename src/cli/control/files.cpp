// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of the host in machines, and the other way.
#include "base/failure.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/verbs.hpp"
#include "registry/running_errand.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>

namespace machinist {

namespace {

// What a machine may take over one look at its files.
constexpr std::chrono::seconds patience{25};

// Relative ones are the caller's own.
std::string path_on_host(const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
}

Machine open_machine(const Invocation& call, const MachineStore& machines) {
    Machine machine = machines.get(call.words[0]);
    machines.wait_until_open(machine);
    return machine;
}

// By ourselves where we may, else by the service.
ErrandAnswer do_errand(const Invocation& call, const MachineStore& machines, const Errand& errand,
                       std::optional<std::chrono::milliseconds> time) {
    if (!asks_service(call))
        return run_errand(open_machine(call, machines), errand, machines.places(), time);
    ask_for_errand(call, call.words[0], errand);
    return {};
}

void copy(const Invocation& call, const MachineStore& machines, const Errand& errand) {
    do_errand(call, machines, errand, std::nullopt);
}

} // namespace

int bind_into_machine(const Invocation& call, const MachineStore& machines) {
    const std::string source = path_on_host(call.words[1]);
    const Errand errand{.kind = ErrandKind::bind,
                        .words = {source, call.words.size() > 2 ? call.words[2] : source},
                        .read_only = call.read_only,
                        .make = call.make};
    const auto answer = do_errand(call, machines, errand, patience);
    if (!answer.text.empty() && !call.quiet)
        std::fprintf(stderr, "machinist: %s\n", answer.text.c_str());
    return 0;
}

int unbind_in_machine(const Invocation& call, const MachineStore& machines) {
    do_errand(call, machines, {.kind = ErrandKind::unbind, .words = {call.words[1]}, .detach = call.force}, patience);
    return 0;
}

int copy_to_machine(const Invocation& call, const MachineStore& machines) {
    const std::string source = path_on_host(call.words[1]);
    copy(call, machines,
         {.kind = ErrandKind::copy_to,
          .words = {source, call.words.size() > 2 ? call.words[2] : source},
          .replace = call.force});
    return 0;
}

int copy_from_machine(const Invocation& call, const MachineStore& machines) {
    const std::string destination = call.words.size() > 2 ? call.words[2] : call.words[1];
    copy(call, machines,
         {.kind = ErrandKind::copy_from, .words = {call.words[1], path_on_host(destination)}, .replace = call.force});
    return 0;
}

} // namespace machinist
