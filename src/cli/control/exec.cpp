// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/entering.hpp"
#include "cli/control/execute_job.hpp"
#include "cli/control/session_unit.hpp"
#include "cli/control/verbs.hpp"
#include "kernel/files.hpp"
#include "kernel/separate_process.hpp"

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

// "NAME" alone stands for the caller's value; a variable that the caller has not is none.
std::vector<std::string> environment_of(const Invocation& call) {
    std::vector<std::string> environment;
    for (const std::string& word : call.environment) {
        if (word.find('=') != std::string::npos)
            environment.push_back(word);
        else if (const char* value = std::getenv(word.c_str()))
            environment.push_back(word + "=" + value);
    }
    return environment;
}

Entry session_of(const Invocation& call) {
    Entry entry{.user = call.user,
                .directory = call.directory,
                .environment = terminal_environment(),
                .pty = true,
                .escapable = true,
                .quiet = call.quiet,
                .seconds = call.seconds};
    for (std::string& assignment : environment_of(call))
        entry.environment.push_back(std::move(assignment));
    return entry;
}

void announce(const Invocation& call, const std::string& machine) {
    if (!call.quiet && ::isatty(STDIN_FILENO))
        std::fprintf(stderr, "Connected to machine %s. Press ^] three times within 1s to exit session.\n",
                     machine.c_str());
}

Machine open_machine(const MachineStore& machines, const std::string& name) {
    Machine machine = machines.get(name);
    machines.wait_until_open(machine);
    return machine;
}

bool has_program(const Machine& machine, const char* path) {
    return find_out_apart(
               [&] {
                   const UniqueFd root =
                       open_path("/proc/" + std::to_string(machine.leader.pid()) + "/root", O_PATH | O_DIRECTORY);
                   return std::string{open_beneath_if_exists(root, path, O_PATH, Links::inside_root) ? "yes" : "no"};
               },
               std::chrono::seconds{2}) == "yes";
}

} // namespace

int execute_in_machine(const Invocation& call, const MachineStore& machines) {
    if (call.command.empty())
        throw Failure{FailureKind::usage, "'exec' needs a command"};
    Entry entry{.user = call.user,
                .directory = call.directory,
                .pty = call.pty,
                .quiet = call.quiet,
                .seconds = call.seconds,
                .command = call.command};
    if (call.pty)
        entry.environment = terminal_environment();
    for (std::string& assignment : environment_of(call))
        entry.environment.push_back(std::move(assignment));
    if (::geteuid() != 0)
        return execute_by_service(call, call.words[0], entry);
    become_entry(open_machine(machines, call.words[0]), entry, machines.places());
}

int open_shell(const Invocation& call, const MachineStore& machines) {
    Entry entry = session_of(call);
    std::string name = call.words.empty() ? "" : call.words[0];
    if (const std::size_t sign = name.find('@'); sign != std::string::npos) {
        if (call.user)
            throw Failure{FailureKind::invalid, "'" + name + "' and --user=" + *call.user + " both name a user"};
        if (sign > 0)
            entry.user = name.substr(0, sign);
        name.erase(0, sign + 1);
    }
    if (name.empty())
        name = ".host";
    if (!call.command.empty() && !call.command[0].starts_with('/'))
        throw Failure{FailureKind::invalid, "'" + call.command[0] + "' is no absolute path"};
    const ShellUnit shell{.user = entry.user.value_or(""),
                          .program = call.command.empty() ? "" : call.command[0],
                          .arguments = call.command,
                          .environment = entry.environment};
    // The host's sessions are its own systemd's, and others may not enter machines by themselves.
    if (name == ".host" || ::geteuid() != 0) {
        open_session_by_service(
            call, name, shell, [&] { announce(call, name); }, machines.places());
        return 0;
    }
    const Machine machine = open_machine(machines, name);
    // A session with PAM and logind where the machine has them; else the program alone.
    const SessionWish wish{.shell = shell, .quiet = call.quiet, .announce = [&] { announce(call, machine.name()); }};
    if (!call.directory && !call.seconds)
        if (const auto status = run_session_unit(machine, wish, machines.places()))
            return *status;
    entry.command = call.command;
    entry.login_shell = entry.command.empty();
    announce(call, machine.name());
    become_entry(machine, entry, machines.places());
}

int log_in(const Invocation& call, const MachineStore& machines) {
    const std::string name = call.words.empty() ? ".host" : call.words[0];
    if (name == ".host" || ::geteuid() != 0) {
        open_session_by_service(
            call, name, {}, [&] { announce(call, name); }, machines.places());
        return 0;
    }
    const Machine machine = open_machine(machines, name);
    const SessionWish wish{.shell = {}, .quiet = call.quiet, .announce = [&] { announce(call, machine.name()); }};
    if (const auto status = run_session_unit(machine, wish, machines.places()))
        return *status;
    Entry entry = session_of(call);
    const char* terminal = std::getenv("TERM");
    if (has_program(machine, "sbin/agetty"))
        entry.command = {"/sbin/agetty", "--noreset", "--noclear", "-", terminal ? terminal : "dumb"};
    else
        entry.command = {"/bin/login"};
    announce(call, machine.name());
    become_entry(machine, entry, machines.places());
}

} // namespace machinist
