// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of the host in machines, and the other way.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/verbs.hpp"
#include "registry/running_errand.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

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

// Whose number in the machine the owner shall have.
std::uint32_t user_meant_by(const std::string& owner) {
    if (owner == "root")
        return 0;
    const char* by_sudo = std::getenv("SUDO_UID");
    const auto caller = by_sudo ? parse_integer<std::uint32_t>(by_sudo) : std::nullopt;
    if (owner == "caller")
        return caller && ::geteuid() == 0 ? *caller : ::getuid();
    if (const auto number = parse_integer<std::uint32_t>(owner))
        return *number;
    throw Failure{FailureKind::invalid,
                  "--owner: '" + escaped_for_people(owner) + "' is none of caller, root and the number of a user"};
}

} // namespace

int bind_into_machine(const Invocation& call, const MachineStore& machines) {
    const std::string source = path_on_host(call.words[1]);
    Errand errand{.kind = ErrandKind::bind,
                  .words = {source, call.words.size() > 2 ? call.words[2] : source},
                  .read_only = call.read_only,
                  .make = call.make};
    if (call.owner && asks_service(call))
        throw Failure{FailureKind::not_permitted, "bind '" + source + "': --owner= is for root"};
    if (call.owner)
        errand.words.push_back(std::to_string(user_meant_by(*call.owner)));
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
