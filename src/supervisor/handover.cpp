// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/handover.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "spec/spec_json.hpp"
#include "supervisor/keeper_orders.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist {

namespace {

// The last of the places for what is kept; locks come from the first on.
constexpr std::size_t kept_root_place = std::size(keeper_orders{}.kept_fds) - 1;
constexpr std::size_t disk_keys_place = kept_root_place - 1;

template <std::size_t size>
void put_text(char (&place)[size], const std::string& text, const char* what) {
    if (text.size() >= size)
        throw Failure{FailureKind::invalid, std::string{"tell the supervisor the "} + what + ": it is longer than " +
                                                std::to_string(size - 1) + " bytes"};
    std::memcpy(place, text.c_str(), text.size() + 1);
}

int stays_open(BorrowedFd descriptor) {
    if (descriptor && ::fcntl(descriptor.get(), F_SETFD, 0) < 0)
        throw system_failure("keep a descriptor open for the supervisor");
    return descriptor.get();
}

UniqueFd memory_file(const char* name, std::string_view bytes) {
    UniqueFd file{::memfd_create(name, MFD_CLOEXEC)};
    if (!file)
        throw system_failure("make a file in memory");
    write_all(file, bytes);
    return file;
}

int console_of(const MachineSpec& spec) {
    switch (spec.console) {
    case ConsoleMode::interactive: return KEEPER_CONSOLE_INTERACTIVE;
    case ConsoleMode::read_only: return KEEPER_CONSOLE_READ_ONLY;
    case ConsoleMode::passive: return KEEPER_CONSOLE_PASSIVE;
    case ConsoleMode::pipe: return KEEPER_CONSOLE_PIPE;
    }
    return KEEPER_CONSOLE_READ_ONLY;
}

std::uint32_t flags_of(const Start& start) {
    const MachineSpec& spec = start.spec;
    return (spec.keep_unit ? KEEPER_KEEP_UNIT : 0) | (spec.notify_ready ? KEEPER_NOTIFY_READY : 0) |
           (spec.quiet ? KEEPER_QUIET : 0) | (spec.payload.mode == StartMode::boot ? KEEPER_BOOTED : 0) |
           (spec.adjust_terminal_title ? KEEPER_TITLE : 0) | (start.first_start ? KEEPER_FIRST_START : 0);
}

void put_descriptors(keeper_orders& orders, const Start& start, BorrowedFd disk_keys) {
    std::ranges::fill(orders.kept_fds, -1);
    std::ranges::fill(orders.held_fds, -1);
    if (start.kept.size() > disk_keys_place)
        throw Failure{FailureKind::internal, "keep more descriptors than the supervisor has places for"};
    for (std::size_t at = 0; at < start.kept.size(); ++at)
        orders.kept_fds[at] = stays_open(start.kept[at]);
    orders.kept_fds[disk_keys_place] = stays_open(disk_keys);
    orders.kept_fds[kept_root_place] = stays_open(start.kept_root);
    orders.network_fd = stays_open(start.machine_network);
    orders.journal_pidfd = stays_open(start.journal_receiver.descriptor());
    orders.held_fds[0] = stays_open(start.host_side.kernel_log);
    orders.held_fds[1] = stays_open(start.host_side.unix_export);
    orders.leader_pidfd = stays_open(start.leader.descriptor());
    orders.leader_pid = start.leader.pid();
    orders.console = console_of(start.spec);
    orders.console_fd = stays_open(start.console.terminal);
    for (std::size_t stream = 0; stream < 3; ++stream)
        orders.pipe_fds[stream] = stays_open(start.console.our_ends[stream]);
    orders.notify_fd = stays_open(start.host_side.notify_socket);
    orders.run_directory_fd = stays_open(start.run.directory());
    orders.lock_fd = stays_open(start.run.lock());
    // All of the machine, not the payload's part alone: stopping it must leave nothing.
    orders.cgroup_fd = stays_open(start.cgroup.payload);
}

} // namespace

int take_listen_fds() {
    const char* pid = ::getenv("LISTEN_PID");
    const char* count = ::getenv("LISTEN_FDS");
    if (!pid || !count || std::to_string(::getpid()) != pid)
        return 0;
    const int number = std::atoi(count);
    return number < 0 || number > 1024 ? 0 : number;
}

void hand_over_to_supervisor(Start& start) {
    keeper_orders orders{};
    orders.magic = KEEPER_ORDERS_MAGIC;
    orders.size = sizeof orders;
    orders.flags = flags_of(start);
    orders.kill_signal = start.spec.kill_signal.value_or(0);
    const UniqueFd disk_keys = start.disk_keys.in_memory();
    put_descriptors(orders, start, disk_keys);
    // Decided once and written once: the next start reads what `show` reads.
    const UniqueFd spec{::openat(start.run.directory().get(), "spec.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!spec)
        throw system_failure("open the machine's stored spec");
    orders.spec_fd = stays_open(spec);
    put_text(orders.name, start.spec.name.text(), "name");
    put_text(orders.background, start.spec.background, "background");
    put_text(orders.launcher, start.programs.launcher.string(), "path of the launcher");
    put_text(orders.undo, start.run.undo(), "lines of undo");
    put_text(orders.run_directory, start.run.path().string(), "path of the run directory");

    const UniqueFd file =
        memory_file("supervisor-orders", std::string_view{reinterpret_cast<const char*>(&orders), sizeof orders});
    const std::string number = std::to_string(stays_open(file));
    const std::string program = start.programs.supervisor.string();
    ::execl(program.c_str(), "machinist-supervisor", number.c_str(), nullptr);
    throw system_failure("execute '" + program + "'");
}

Start take_back_from_supervisor(int orders_descriptor) {
    const UniqueFd file{orders_descriptor};
    keeper_orders orders{};
    if (::pread(file.get(), &orders, sizeof orders, 0) != static_cast<ssize_t>(sizeof orders) ||
        orders.magic != KEEPER_ORDERS_MAGIC || orders.size != sizeof orders)
        throw Failure{FailureKind::internal, "read the supervisor's orders"};
    const auto take = [](int descriptor) {
        if (descriptor >= 0)
            (void)::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        return UniqueFd{descriptor};
    };
    Start start;
    start.first_start = false;
    const UniqueFd first_spec = take(orders.spec_fd);
    start.run =
        RunDirectory::adopt(take(orders.run_directory_fd), take(orders.lock_fd), orders.run_directory, orders.undo);
    // Devices may have been added or removed since: then another file has that name.
    const UniqueFd spec{::openat(start.run.directory().get(), "spec.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!spec)
        throw system_failure("open the machine's stored spec");
    start.spec = spec_from_json(read_all(spec));
    for (std::size_t place = 0; place < disk_keys_place; ++place)
        if (orders.kept_fds[place] >= 0)
            start.kept.push_back(take(orders.kept_fds[place]));
    start.disk_keys = DiskKeys::from_memory(take(orders.kept_fds[disk_keys_place]));
    start.kept_root = take(orders.kept_fds[kept_root_place]);
    start.machine_network = take(orders.network_fd);
    start.journal_receiver = Pidfd::adopt(take(orders.journal_pidfd)).value_or(Pidfd{});
    return start;
}

} // namespace machinist
