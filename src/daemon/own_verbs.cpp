// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/own_verbs.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "daemon/interfaces.hpp"
#include "registry/service/own_process.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_at_once = 64;
constexpr std::chrono::seconds patience{90}; // longer than that program's own

bool ended_well(const Pidfd& process) {
    siginfo_t end{};
    return ::waitid(P_PIDFD, static_cast<id_t>(process.descriptor().get()), &end, WEXITED) == 0 &&
           end.si_code == CLD_EXITED && end.si_status == 0;
}

// "machinist: the reason\n", as far as it was written.
std::string reason_in(BorrowedFd errors) {
    char buffer[2048];
    const ssize_t size = ::read(errors.get(), buffer, sizeof buffer);
    std::string_view text{buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
    constexpr std::string_view name = "machinist: ";
    if (text.starts_with(name))
        text.remove_prefix(name.size());
    const std::string reason = escaped_for_people(trimmed(text.substr(0, text.find('\n'))));
    return reason.empty() ? "it cannot be done" : reason;
}

} // namespace

void OwnVerbs::ask(const Call& call, const std::string& machine, const char* verb) {
    const RegisteredMachine& registered = service_.registry.get(machine);
    if (registered.is_host || registered.record.machine_class != "container")
        throw Failure{FailureKind::not_supported, "machine '" + machine + "' is no container"};
    if (running_.size() >= most_at_once)
        throw Failure{FailureKind::too_many, "Too many ongoing operations"};
    int ends[2];
    // Read without waiting; who writes may wait.
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw system_failure("make a pipe");
    UniqueFd reader{ends[0]};
    const UniqueFd writer{ends[1]};
    if (::fcntl(reader.get(), F_SETFL, O_NONBLOCK) < 0)
        throw system_failure("make a pipe");
    Pidfd process = start_own_process("machinist", {verb, "--", machine}, {.errors = writer});
    const std::uint64_t number = ++last_;
    Asking& asking =
        running_
            .emplace(
                number,
                Asking{.call = call, .machine = machine, .errors = std::move(reader), .process = std::move(process)})
            .first->second;
    asking.ended = service_.loop.when_ended(asking.process.descriptor(), [this, number] { asked(number); });
    asking.too_late = service_.loop.after(patience, [this, number] {
        if (const auto found = running_.find(number); found != running_.end())
            found->second.process.send_signal(SIGKILL);
    });
}

void OwnVerbs::asked(std::uint64_t number) {
    auto node = running_.extract(number);
    if (node.empty())
        return;
    const Asking& asking = node.mapped();
    const bool well = ended_well(asking.process);
    answer(asking.call, [&] {
        // One that is gone needs no asking.
        if (!well && service_.registry.find(asking.machine) != nullptr)
            throw Failure{FailureKind::not_supported, reason_in(asking.errors)};
        asking.call.reply();
    });
}

void attach_own_verbs(Interfaces& interfaces, Service& service, OwnVerbs& verbs) {
    constexpr std::pair<const char*, const char*> rows[] = {
        {"PowerOff", "poweroff"}, {"Reboot", "reboot"}, {"Pause", "pause"}, {"Resume", "resume"}};
    for (const auto& [member, verb] : rows)
        attach_machine_verb(interfaces.machine1, service, member,
                            [&service, &verbs, verb = verb](const Call& call, const std::string& name) {
                                when_allowed(
                                    service, call,
                                    {.action = manage_machines, .verb = verb, .machine = name, .owner_may = true},
                                    [=, &verbs] { verbs.ask(call, name, verb); });
                            });
}

} // namespace machinist
