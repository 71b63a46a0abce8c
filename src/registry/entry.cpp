// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/entry.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "kernel/sealed_program.hpp"
#include "registry/machine_control.hpp"
#include "spec/syscall_filter.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist {

namespace {

UniqueFd program_file(const std::vector<sock_filter>& program) {
    UniqueFd file{::memfd_create("syscall-filter", MFD_CLOEXEC)};
    if (!file)
        throw system_failure("make a memory file");
    write_all(file, {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)});
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        throw system_failure("rewind a memory file");
    return file;
}

// The leader's own filter, composed again: the kernel does not hand it out.
void add_filter(PreparedEntry& prepared, const Machine& machine) {
    const ProcessStatus status = read_process_status(machine.leader.pid());
    if (!status.has_syscall_filter || (machine.spec && !machine.spec->syscall_filter.enabled))
        return;
    const SyscallFilterSpec filter = machine.spec ? machine.spec->syscall_filter : SyscallFilterSpec{};
    const CapabilitySpec capabilities = machine.spec
                                            ? machine.spec->capabilities
                                            : CapabilitySpec{.bounding = status.bounding_capabilities, .ambient = 0};
    const auto hand_over = [&](const char* option, const std::vector<sock_filter>& program) {
        prepared.arguments.push_back(option + std::to_string(prepared.hand_over(program_file(program))));
    };
    hand_over("--filter=",
              build_syscall_filter(filter, capabilities, machine.spec && machine.spec->network.is_private));
    if (filter.rules)
        hand_over("--rules=", build_syscall_rules(*filter.rules));
}

PreparedEntry prepare(const Machine& machine, const Places& places) {
    if (::geteuid() != 0)
        throw Failure{FailureKind::not_permitted, "enter machine '" + machine.name() + "': only root may"};
    // What its leader sees until then is the host's.
    if (machine.opening)
        throw Failure{FailureKind::busy, "machine '" + machine.name() + "' is still starting"};
    PreparedEntry prepared;
    prepared.program = make_sealed_program(places.enter_program);
    UniqueFd leader{::fcntl(machine.leader.descriptor().get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (!leader)
        throw system_failure("hand over the leader");
    prepared.arguments = {"machinist-enter", "--machine=" + machine.name(),
                          "--leader=" + std::to_string(machine.leader.pid())};
    prepared.arguments.push_back("--pidfd=" + std::to_string(prepared.hand_over(std::move(leader))));
    return prepared;
}

void add_command(PreparedEntry& prepared, const Machine& machine, const Entry& entry) {
    auto& arguments = prepared.arguments;
    if (!machine.record.service.empty())
        arguments.push_back("--service=" + machine.record.service);
    add_filter(prepared, machine);
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
}

} // namespace

int PreparedEntry::hand_over(UniqueFd descriptor) {
    // The first three are streams there.
    if (descriptor.get() <= STDERR_FILENO)
        descriptor = UniqueFd{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (!descriptor)
        throw system_failure("hand over a descriptor");
    descriptors.push_back(std::move(descriptor));
    return descriptors.back().get();
}

void PreparedEntry::execute() const {
    for (const UniqueFd& descriptor : descriptors)
        if (::fcntl(descriptor.get(), F_SETFD, 0) < 0)
            throw system_failure("hand over a descriptor");
    execute_sealed_program(program, arguments);
}

PreparedEntry prepare_entry(const Machine& machine, const Entry& entry, const Places& places, UniqueFd result) {
    // It would stand still as well.
    if (is_paused(machine))
        throw Failure{FailureKind::busy, "machine '" + machine.name() + "' is paused"}.try_instead(
            "'machinist resume " + machine.name() + "'");
    PreparedEntry prepared = prepare(machine, places);
    if (result)
        prepared.arguments.push_back("--result=" + std::to_string(prepared.hand_over(std::move(result))));
    add_command(prepared, machine, entry);
    return prepared;
}

PreparedEntry prepare_relay(const std::string& machine, const Pidfd& leader, UniqueFd master, bool patient, bool quiet,
                            const Places& places) {
    PreparedEntry prepared;
    prepared.program = make_sealed_program(places.enter_program);
    prepared.arguments = {"machinist-enter", "--machine=" + machine, "--leader=" + std::to_string(leader.pid()),
                          "--escapable"};
    UniqueFd held{::fcntl(leader.descriptor().get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (!held)
        throw system_failure("hand over the leader");
    prepared.arguments.push_back("--pidfd=" + std::to_string(prepared.hand_over(std::move(held))));
    prepared.arguments.push_back("--relay=" + std::to_string(prepared.hand_over(std::move(master))));
    if (patient)
        prepared.arguments.emplace_back("--patient");
    if (quiet)
        prepared.arguments.emplace_back("--quiet");
    return prepared;
}

PreparedEntry prepare_errand(const Machine& machine, const Errand& errand, const Entry& entry, UniqueFd reply,
                             const Places& places) {
    PreparedEntry prepared = prepare(machine, places);
    auto& arguments = prepared.arguments;
    arguments.push_back("--errand=" + std::string{name_of(errand_names, errand.kind)});
    arguments.push_back("--reply=" + std::to_string(prepared.hand_over(std::move(reply))));
    if (errand.read_only)
        arguments.emplace_back("--read-only");
    if (errand.make)
        arguments.emplace_back("--mkdir");
    if (errand.replace)
        arguments.emplace_back("--replace");
    if (errand.detach)
        arguments.emplace_back("--detach");
    if (errand.kind == ErrandKind::shell) {
        add_command(prepared, machine, entry);
    } else if (!errand.words.empty()) {
        arguments.emplace_back("--");
        arguments.insert(arguments.end(), errand.words.begin(), errand.words.end());
    }
    return prepared;
}

} // namespace machinist
