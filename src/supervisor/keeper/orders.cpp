// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/orders.hpp"

#include "kernel/syscalls.hpp"
#include "supervisor/keeper/report.hpp"
#include "supervisor/keeper/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iterator>
#include <sys/mman.h>

namespace machinist::keeper {

namespace {

constexpr std::size_t kept_count = std::size(keeper_orders{}.kept_fds);
constexpr std::size_t held_count = std::size(keeper_orders{}.held_fds);
constexpr std::size_t most_descriptors = 3 + 12 + kept_count + held_count;

// In ascending order; returns how many.
std::size_t descriptors_of(const keeper_orders& orders, int (&list)[most_descriptors]) {
    std::size_t count = 0;
    const auto add = [&](int number) {
        if (number >= 0)
            list[count++] = number;
    };
    for (const int number : {0, 1, 2, orders.leader_pidfd, orders.console_fd, orders.notify_fd, orders.run_directory_fd,
                             orders.lock_fd, orders.cgroup_fd, orders.network_fd, orders.spec_fd, orders.journal_pidfd})
        add(number);
    for (const int number : orders.pipe_fds)
        add(number);
    for (const int number : orders.kept_fds)
        add(number);
    for (const int number : orders.held_fds)
        add(number);
    std::sort(list, list + count);
    return count;
}

void keep_across_exec(int number) {
    if (number >= 0)
        ::fcntl(number, F_SETFD, 0);
}

} // namespace

bool read_orders(UniqueFd memfd, keeper_orders& orders) {
    const ssize_t size = ::pread(memfd.get(), &orders, sizeof orders, 0);
    if (size != static_cast<ssize_t>(sizeof orders) || orders.magic != KEEPER_ORDERS_MAGIC ||
        orders.size != sizeof orders) {
        complain("the descriptor given holds no orders of this version", {}, size < 0 ? errno : 0);
        return false;
    }
    for (char* last : {std::end(orders.name), std::end(orders.background), std::end(orders.launcher),
                       std::end(orders.undo), std::end(orders.run_directory)})
        last[-1] = '\0';
    return true;
}

void close_all_but(const keeper_orders& orders) {
    int list[most_descriptors];
    const std::size_t count = descriptors_of(orders, list);
    unsigned next = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto number = static_cast<unsigned>(list[i]);
        if (number > next)
            sys::close_range(next, number - 1, 0);
        if (number > STDERR_FILENO)
            ::fcntl(list[i], F_SETFD, FD_CLOEXEC);
        next = std::max(next, number + 1);
    }
    sys::close_range(next, ~0U, 0);
}

void start_again(keeper_orders orders) {
    orders.flags &= ~KEEPER_FIRST_START;
    for (int* gone : {&orders.leader_pidfd, &orders.console_fd, &orders.notify_fd, &orders.pipe_fds[0],
                      &orders.pipe_fds[1], &orders.pipe_fds[2]})
        *gone = -1;
    for (int& gone : orders.held_fds)
        gone = -1;
    // Made anew at the same path; only its processes had to go.
    orders.cgroup_fd = -1;
    orders.leader_pid = 0;

    const int memfd = ::memfd_create("machinist-orders", 0);
    if (memfd < 0 || ::pwrite(memfd, &orders, sizeof orders, 0) != static_cast<ssize_t>(sizeof orders)) {
        complain("hand on the orders", {}, errno);
        return;
    }
    for (const int number :
         {orders.run_directory_fd, orders.lock_fd, orders.network_fd, orders.spec_fd, orders.journal_pidfd})
        keep_across_exec(number);
    for (const int number : orders.kept_fds)
        keep_across_exec(number);
    Text<16> number;
    number << memfd;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): execv(3) writes to none of them.
    char* const arguments[] = {orders.launcher, const_cast<char*>("--start-again"), const_cast<char*>(number.c_str()),
                               nullptr};
    ::execv(orders.launcher, arguments);
    complain("start again by", orders.launcher, errno);
    ::close(memfd);
}

} // namespace machinist::keeper
