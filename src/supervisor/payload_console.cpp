// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/payload_console.hpp"

#include "base/failure.hpp"
#include "kernel/pipe.hpp"
#include "kernel/pty.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace machinist {

namespace {

// So that /dev/stdout & co. can be opened again inside.
void give_to_machine(BorrowedFd pipe, const MachineSpec& spec) {
    const std::uint32_t owner = spec.users.kind == UserNamespaceKind::none ? 0 : spec.users.base;
    if (owner != 0 && ::fchown(pipe.get(), owner, owner) < 0)
        throw system_failure("give a pipe to the machine's root");
}

PayloadConsole make_pipes(const MachineSpec& spec) {
    PayloadConsole made;
    for (std::size_t stream = 0; stream < 3; ++stream) {
        auto [reader, writer] = make_pipe();
        made.payload_ends[stream] = std::move(stream == 0 ? reader : writer);
        made.our_ends[stream] = std::move(stream == 0 ? writer : reader);
        give_to_machine(made.payload_ends[stream], spec);
    }
    return made;
}

void copy_window_size(BorrowedFd terminal) {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 || ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        (void)::ioctl(terminal.get(), TIOCSWINSZ, &size);
}

} // namespace

PayloadConsole make_payload_console(const MachineSpec& spec, BorrowedFd devpts) {
    if (spec.console == ConsoleMode::pipe)
        return make_pipes(spec);
    Pty pty = open_pty(devpts);
    if (pty.number != 0)
        throw Failure{FailureKind::internal, "make the console: the machine's first terminal is taken"};
    copy_window_size(pty.master);
    PayloadConsole made;
    made.terminal = std::move(pty.master);
    for (UniqueFd& end : made.payload_ends) {
        end = UniqueFd{::fcntl(pty.slave.get(), F_DUPFD_CLOEXEC, 3)};
        if (!end)
            throw system_failure("copy the console's descriptor");
    }
    return made;
}

} // namespace machinist
