// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-supervisor ORDERS_FD keeps a machine that its former self, the launcher, has started;
// machinist-supervisor --undo RUN_DIRECTORY undoes what one left that nobody keeps.
#include "supervisor/keeper/cgroup.hpp"
#include "supervisor/keeper/ending.hpp"
#include "supervisor/keeper/journal_receiver.hpp"
#include "supervisor/keeper/keeper.hpp"
#include "supervisor/keeper/orders.hpp"
#include "supervisor/keeper/report.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/prctl.h>

namespace {

using namespace machinist::keeper;
using machinist::BorrowedFd;
using machinist::UniqueFd;

constexpr int status_usage = 2;

// Not on the stack: what of it is empty then costs nothing.
keeper_orders orders;

// What we open must not take the place of a standard stream that the caller closed.
void fill_standard_streams() {
    while (true) {
        const int number = ::open("/dev/null", O_RDWR);
        if (number > STDERR_FILENO)
            ::close(number);
        if (number < 0 || number > STDERR_FILENO)
            return;
    }
}

// True if the machine shall start again.
bool keep(const Signals& signals, int& exit_status) {
    // The machine's strays come to us when process 1 goes, and not to somebody who does not reap them.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // Nothing is kept busy by our being here.
    if (::chdir("/") < 0)
        complain("go to", "/", errno);

    Keeper keeper{orders, signals};
    keeper.run();
    return keeper.conclude(exit_status);
}

int end(int exit_status) {
    // What the machine said last has been sent; who writes it down does so before it ends.
    end_journal_receiver(UniqueFd{orders.journal_pidfd});
    // Locks and layers: their files can go only when we do not hold them.
    for (const int kept : orders.kept_fds)
        UniqueFd{kept}.reset();
    RunDirectory run{.directory = UniqueFd{orders.run_directory_fd},
                     .lock = UniqueFd{orders.lock_fd},
                     .network = UniqueFd{orders.network_fd},
                     .path = orders.run_directory,
                     .undo = orders.undo};
    const bool in_unit = (orders.flags & KEEPER_KEEP_UNIT) != 0;
    // systemd kills what is left in a unit once we are gone; so there we wait.
    end_run_directory(std::move(run), exit_status, in_unit ? Patience::wait : Patience::leave_to_child);
    return exit_status;
}

} // namespace

int main(int count, char** arguments) {
    fill_standard_streams();
    const std::string_view first = count >= 2 ? arguments[1] : "";
    if (first == "--undo" && count == 3)
        return undo_remnant(arguments[2]);
    std::uint64_t number = 0;
    // What follows the number is for the eyes of ps(1).
    if (!parse_number(first, number) || number > INT32_MAX) {
        complain("usage: machinist-supervisor ORDERS_FD | --undo RUN_DIRECTORY");
        return status_usage;
    }
    if (!read_orders(UniqueFd{static_cast<int>(number)}, orders))
        return 1;
    close_all_but(orders);

    const Signals signals;
    int exit_status = 1;
    if (keep(signals, exit_status)) {
        const BorrowedFd run_directory{orders.run_directory_fd};
        ::unlinkat(run_directory.get(), "notify", 0);
        if (orders.cgroup_fd >= 0 && !reset_cgroup(BorrowedFd{orders.cgroup_fd}))
            complain("empty the cgroup of", orders.name);
        signals.give_back();
        start_again(orders);
        signals.take();
    }
    return end(exit_status);
}
