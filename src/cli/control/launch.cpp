// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/launch.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/syscalls.hpp"
#include "machinist_config.h"
#include "registry/machine_watch.hpp"

#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist {

namespace {

// Nobody tells that a payload was executed; it is a few milliseconds after its machine came to be seen.
constexpr std::chrono::milliseconds end_of_opening{5};

// What it says is kept in memory until the machine runs: then nobody reads any more.
[[noreturn]] void become_launcher(const std::string& program, const MachineName& name, BorrowedFd messages) {
    ::setsid();
    int ends[2];
    const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    // An input that has ended; never a device of the host.
    if (::pipe2(ends, O_CLOEXEC) == 0 && ::dup2(ends[0], STDIN_FILENO) >= 0 && ::dup2(nothing, STDOUT_FILENO) >= 0 &&
        ::dup2(messages.get(), STDERR_FILENO) >= 0) {
        sys::close_range(3, ~0U, 0);
        const std::string machine = "--machine=" + name.text();
        ::execl(program.c_str(), "machinist", "run", "--quiet", "--boot", "--link-journal=try-guest",
                "--settings=override", "--console=pipe", machine.c_str(), nullptr);
    }
    ::_exit(127);
}

} // namespace

void launch_machine(const MachineStore& machines, const MachineName& name) {
    const UniqueFd messages{::memfd_create("messages", MFD_CLOEXEC)};
    const std::string program = own_program("machinist").string();
    MachineWatch watch{machines.places(), {name.text()}};
    if (!messages)
        throw system_failure("make a memory file");
    const Pidfd process = fork_held();
    if (!process)
        become_launcher(program, name, messages);
    while (true) {
        if (!process.alive()) {
            ::lseek(messages.get(), 0, SEEK_SET);
            const std::string said{trimmed(read_all(messages, 65536))};
            throw Failure{FailureKind::system, "start machine '" + name.text() + "'" +
                                                   (said.empty() ? "" : ": " + escaped_for_people(said))};
        }
        const auto machine = machines.find(name);
        if (machine && !machine->opening)
            return;
        std::optional<MachineWatch::Clock::time_point> look_again;
        if (machine)
            look_again = MachineWatch::Clock::now() + end_of_opening;
        (void)watch.wait({process.descriptor()}, look_again);
    }
}

} // namespace machinist
