// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/execute_job.hpp"

#include "base/failure.hpp"
#include "base/machine_name.hpp"
#include "base/text.hpp"
#include "cli/control/awaited_jobs.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{1000};
constexpr std::chrono::hours for_ever{24 * 365};

NamedValues options_of(const Entry& entry) {
    NamedValues options;
    if (entry.user)
        options.emplace("User", *entry.user);
    if (entry.directory)
        options.emplace("WorkingDirectory", *entry.directory);
    if (!entry.environment.empty())
        options.emplace("Environment", entry.environment);
    if (entry.seconds)
        options.emplace("TimeoutUSec", static_cast<std::uint64_t>(*entry.seconds * 1e6));
    if (entry.pty)
        options.emplace("Terminal", true);
    return options;
}

std::vector<SharedFd> own_streams() {
    std::vector<SharedFd> streams;
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        UniqueFd copy{::fcntl(stream, F_DUPFD_CLOEXEC, 3)};
        if (!copy)
            break; // those behind one that is missing are empty, too
        streams.push_back(std::make_shared<const UniqueFd>(std::move(copy)));
    }
    return streams;
}

JobEnd execute(ServiceClient& client, const std::string& machine, const Entry& entry,
               const std::vector<SharedFd>& streams) {
    const std::string object = client.object_of(machine);
    AwaitedJobs jobs{client};
    std::string job;
    client.ask(
        {our_service, object.c_str(), our_machine, "Exec"},
        [&](sd_bus_message* message) {
            wire::put(message, entry.command);
            wire::put(message, options_of(entry));
            wire::put(message, streams);
        },
        [&](const Answer& answer) { job = answer.take<ObjectPath>().text; });
    return jobs.wait(job);
}

// False if the time is over before.
bool wait_for_machine(ServiceClient& client, const std::string& machine, const Deadline& deadline) {
    bool came = false;
    const BusSlot slot = client.bus().match(std::string{"type='signal',sender='"} + machine1_service + "',interface='" +
                                                machine1_manager + "',member='MachineNew',arg0='" + machine + "'",
                                            [&](sd_bus_message*) { came = true; });
    try {
        (void)client.object_of(machine);
        return true;
    } catch (const Failure& failure) {
        // A misspelt name would be waited for, too, so only who limits the time waits.
        if (failure.kind() != FailureKind::no_machine || !deadline)
            throw;
    }
    return client.wait_until([&] { return came; }, *deadline);
}

bool wait_for_condition(ServiceClient& client, const std::string& machine, const std::string& condition,
                        const Deadline& deadline) {
    std::uint64_t microseconds = 0;
    if (deadline) {
        const auto left = std::chrono::ceil<std::chrono::microseconds>(*deadline - Clock::now()).count();
        microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(left, 1));
    }
    try {
        const std::string object = client.object_of(machine);
        client.ask(
            {our_service, object.c_str(), our_machine, "Wait"},
            [&](sd_bus_message* message) {
                wire::put(message, condition);
                wire::put(message, microseconds);
            },
            {}, std::chrono::seconds{for_ever});
        return true;
    } catch (const Failure& failure) {
        if (failure.kind() == FailureKind::timed_out)
            return false;
        if (failure.kind() == FailureKind::no_machine && condition == "removed")
            return true;
        throw;
    }
}

bool wait_for_command(ServiceClient& client, const std::string& machine, const std::string& command,
                      const Deadline& deadline) {
    for (auto pause = first_pause;; pause = std::min(pause * 3 / 2, longest_pause)) {
        const Entry entry{.seconds = 60, .command = {"/bin/sh", "-c", command}};
        if (execute(client, machine, entry, {}).status == 0)
            return true;
        if (deadline && Clock::now() + pause >= *deadline)
            return false;
        std::this_thread::sleep_for(pause);
    }
}

bool wait_for_one(ServiceClient& client, const Invocation& call, const std::string& machine, const Deadline& deadline) {
    constexpr std::string_view command = "exec=";
    if (call.until != "removed" && !wait_for_machine(client, machine, deadline))
        return false;
    if (call.until.starts_with(command))
        return wait_for_command(client, machine, call.until.substr(command.size()), deadline);
    return wait_for_condition(client, machine, call.until, deadline);
}

} // namespace

int execute_by_service(const Invocation& call, const std::string& machine, const Entry& entry) {
    ServiceClient client{call};
    client.let_person_be_asked();
    const JobEnd end = execute(client, machine, entry, own_streams());
    if (!end.message.empty())
        std::fprintf(stderr, "machinist: %s\n", escaped_for_people(end.message).c_str());
    return end.status;
}

int wait_by_service(const Invocation& call) {
    ServiceClient client{call};
    client.let_person_be_asked();
    Deadline deadline;
    if (call.seconds)
        deadline =
            Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{*call.seconds});
    bool all = true;
    for (const std::string& name : call.words) {
        if (!MachineName::parse(name))
            throw Failure{FailureKind::not_found, "No machine '" + escaped_for_people(name) + "' known"};
        if (wait_for_one(client, call, name, deadline))
            continue;
        std::fprintf(stderr, "machinist: machine '%s' has not come to that in time\n", name.c_str());
        all = false;
    }
    return all ? 0 : 1;
}

} // namespace machinist
