// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/entering.hpp"

#include "base/failure.hpp"
#include "cli/control/programs.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "kernel/sealed_program.hpp"
#include "spec/syscall_filter.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t largest_output = 262144;

// The leader's own filter, composed again: the kernel does not hand it out.
UniqueFd filter_file(const Machine& machine) {
    const ProcessStatus status = read_process_status(machine.leader.pid());
    if (!status.has_syscall_filter)
        return {};
    const SyscallFilterSpec filter = machine.spec ? machine.spec->syscall_filter : SyscallFilterSpec{};
    const CapabilitySpec capabilities = machine.spec
                                            ? machine.spec->capabilities
                                            : CapabilitySpec{.bounding = status.bounding_capabilities, .ambient = 0};
    const std::vector<sock_filter> program =
        build_syscall_filter(filter, capabilities, machine.spec && machine.spec->network.is_private);
    UniqueFd file{::memfd_create("syscall-filter", 0)};
    if (!file)
        throw system_failure("make a memory file");
    write_all(file, {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)});
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        throw system_failure("rewind a memory file");
    return file;
}

// What machinist-enter inherits, and its command line.
struct Prepared {
    UniqueFd program;
    UniqueFd leader;
    UniqueFd filter;
    std::vector<std::string> arguments;
};

Prepared prepare(const Machine& machine, const Entry& entry) {
    if (::geteuid() != 0)
        throw Failure{FailureKind::not_permitted, "enter machine '" + machine.name() + "': only root may"};
    Prepared prepared;
    prepared.program = make_sealed_program(program_near("machinist-enter"));
    prepared.leader = UniqueFd{::fcntl(machine.leader.descriptor().get(), F_DUPFD, STDERR_FILENO + 1)};
    if (!prepared.leader)
        throw system_failure("hand over the leader");
    prepared.filter = filter_file(machine);
    auto& arguments = prepared.arguments;
    arguments = {"machinist-enter", "--machine=" + machine.name(), "--pidfd=" + std::to_string(prepared.leader.get()),
                 "--leader=" + std::to_string(machine.leader.pid())};
    if (!machine.record.service.empty())
        arguments.push_back("--service=" + machine.record.service);
    if (prepared.filter)
        arguments.push_back("--filter=" + std::to_string(prepared.filter.get()));
    if (entry.user)
        arguments.push_back("--user=" + *entry.user);
    if (entry.directory)
        arguments.push_back("--chdir=" + *entry.directory);
    for (const std::string& assignment : entry.environment)
        arguments.push_back("--setenv=" + assignment);
    if (entry.seconds)
        arguments.push_back("--timeout=" + std::to_string(*entry.seconds));
    if (entry.pty)
        arguments.emplace_back("--pty");
    if (entry.login_shell)
        arguments.emplace_back("--login-shell");
    if (entry.escapable)
        arguments.emplace_back("--escapable");
    if (entry.quiet)
        arguments.emplace_back("--quiet");
    if (!entry.command.empty())
        arguments.emplace_back("--");
    arguments.insert(arguments.end(), entry.command.begin(), entry.command.end());
    return prepared;
}

[[noreturn]] void run_in_child(const Prepared& prepared, BorrowedFd output) {
    try {
        const UniqueFd nothing = open_path("/dev/null", O_RDONLY);
        if (::dup2(nothing.get(), STDIN_FILENO) >= 0 && ::dup2(output.get(), STDOUT_FILENO) >= 0 &&
            ::dup2(output.get(), STDERR_FILENO) >= 0)
            execute_sealed_program(prepared.program, prepared.arguments);
    } catch (const Failure& failure) {
        write_all(output, failure.what());
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace

void become_entry(const Machine& machine, const Entry& entry) {
    const Prepared prepared = prepare(machine, entry);
    execute_sealed_program(prepared.program, prepared.arguments);
}

EntryResult run_entry(const Machine& machine, const Entry& entry) {
    const Prepared prepared = prepare(machine, entry);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw system_failure("make a pipe");
    const UniqueFd reader{ends[0]};
    UniqueFd writer{ends[1]};
    const pid_t pid = ::fork();
    if (pid < 0)
        throw system_failure("start a process");
    if (pid == 0)
        run_in_child(prepared, writer);
    writer.reset();
    EntryResult result;
    result.output = read_all(reader, largest_output);
    // More is not wanted, and must not hold it up.
    char ignored[4096];
    while (::read(reader.get(), ignored, sizeof ignored) > 0)
        continue;
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

std::vector<std::string> terminal_environment() {
    std::vector<std::string> environment;
    const char* terminal = std::getenv("TERM");
    environment.push_back(std::string{"TERM="} + (terminal ? terminal : "dumb"));
    for (const char* name : {"COLORTERM", "NO_COLOR"})
        if (const char* value = std::getenv(name))
            environment.push_back(std::string{name} + "=" + value);
    return environment;
}

} // namespace machinist
