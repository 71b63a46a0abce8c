// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/own_machines.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/awaited_jobs.hpp"
#include "cli/control/own_start.hpp"
#include "cli/control/relay.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"
#include "kernel/pty.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

constexpr std::chrono::milliseconds between_looks{100};

using Streams = std::vector<SharedFd>;

SharedFd shared(UniqueFd descriptor) {
    return std::make_shared<const UniqueFd>(std::move(descriptor));
}

std::string begin(ServiceClient& client, const OwnStartWish& wish, const Streams& streams) {
    std::string job;
    client.ask(
        {our_service, machine1_path, our_manager, "StartOwnMachine"},
        [&](sd_bus_message* message) {
            wire::put(message, wish.machine);
            wire::put(message, wish.directory);
            wire::put(message, wish.options);
            wire::put(message, streams);
        },
        [&](const Answer& answer) { job = answer.take<ObjectPath>().text; });
    return job;
}

int told_end(const JobEnd& end) {
    if (!end.message.empty())
        std::fprintf(stderr, "machinist: %s\n", escaped_for_people(end.message).c_str());
    return end.status;
}

int run_on_streams(ServiceClient& client, const OwnStartWish& wish) {
    Streams streams;
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        UniqueFd copy{::fcntl(stream, F_DUPFD_CLOEXEC, 3)};
        streams.push_back(shared(copy ? std::move(copy) : open_path("/dev/null", O_RDWR)));
    }
    AwaitedJobs jobs{client};
    return told_end(jobs.wait(begin(client, wish, streams)));
}

// The machine's console is on a terminal of its own, so that nobody else has to touch this one.
int run_on_terminal(ServiceClient& client, const OwnStartWish& wish, const Places& places) {
    Pty pty = open_pty(open_path("/dev/pts", O_PATH | O_DIRECTORY));
    SharedFd slave = shared(std::move(pty.slave));
    AwaitedJobs jobs{client};
    const std::string job = begin(client, wish, {slave, slave, slave});
    client.end_agent();
    const auto self = Pidfd::open(::getpid());
    if (!self)
        throw system_failure("hold this process");
    // The copies of this side go first: the other one's end is told by the last of them.
    slave.reset();
    relay(prepare_relay(wish.machine, *self, std::move(pty.master), false, wish.quiet, places));
    return told_end(jobs.wait(job));
}

std::string read_all_there_is(BorrowedFd errors) {
    char buffer[4096];
    std::string text;
    for (ssize_t size = 0; (size = ::read(errors.get(), buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(size));
    return text;
}

bool runs(ServiceClient& client, const std::string& machine) {
    try {
        (void)client.object_of(machine);
        return true;
    } catch (const Failure& failure) {
        if (failure.kind() != FailureKind::no_machine)
            throw;
        return false;
    }
}

// False if it ends before.
bool wait_until_it_runs(ServiceClient& client, AwaitedJobs& jobs, const std::string& machine, const std::string& job) {
    while (!runs(client, machine)) {
        if (jobs.look(job).state != "running")
            return false;
        (void)client.wait_until([] { return false; }, std::chrono::steady_clock::now() + between_looks);
    }
    try {
        const std::string object = client.object_of(machine);
        client.ask({our_service, object.c_str(), our_machine, "Wait"}, [](sd_bus_message* message) {
            wire::put(message, std::string{"running"});
            wire::put(message, std::uint64_t{0});
        });
    } catch (const Failure& failure) {
        if (failure.kind() != FailureKind::no_machine)
            throw;
    }
    return jobs.look(job).state == "running";
}

} // namespace

int run_own_machine(Manner manner, std::span<char*> arguments, const Places& places) {
    const OwnStartWish wish = own_start_wish(parse_command_line(manner, arguments));
    Invocation call;
    call.ask_password = wish.ask_password;
    ServiceClient client{call};
    client.let_person_be_asked();
    const bool on_terminal = wish.may_use_terminal && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
    return on_terminal ? run_on_terminal(client, wish, places) : run_on_streams(client, wish);
}

void start_own_machine(const Invocation& call, const std::string& word) {
    const OwnStartWish wish = own_boot_wish(word);
    ServiceClient client{call};
    client.let_person_be_asked();
    auto [errors, told] = make_pipe();
    if (::fcntl(errors.get(), F_SETFL, O_NONBLOCK) < 0)
        throw system_failure("make a pipe");
    AwaitedJobs jobs{client};
    const SharedFd nothing = shared(open_path("/dev/null", O_RDWR));
    const std::string job = begin(client, wish, {nothing, nothing, shared(std::move(told))});
    if (wait_until_it_runs(client, jobs, wish.machine, job))
        return;
    const std::string said{trimmed(read_all_there_is(errors))};
    throw Failure{FailureKind::system, "start machine '" + wish.machine + "'" +
                                           (said.empty() ? ": it has ended" : ": " + escaped_for_people(said))};
}

} // namespace machinist
