// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/session_unit.hpp"

#include "base/failure.hpp"
#include "cli/control/relay.hpp"
#include "kernel/pty.hpp"
#include "registry/running_errand.hpp"

#include <chrono>
#include <cstdlib>
#include <thread>

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{10};
// The terminal is closed a moment before systemd knows of the end.
constexpr int most_looks = 50;
constexpr std::chrono::milliseconds between_looks{20};

// Starts it; false if there is no systemd.
bool start_unit(Connection& bus, const SessionWish& wish, BorrowedFd master) {
    std::optional<Failure> failure;
    bool answered = false;
    const auto done = [&](const Failure* told) {
        if (told != nullptr)
            failure = *told;
        answered = true;
    };
    const int number = pty_number(master);
    if (wish.shell)
        start_shell_unit(bus, *wish.shell, open_pty_slave(master), number, true, done);
    else
        start_login_prompt(bus, number, done);
    while (!answered && bus.wait_and_process(patience))
        continue;
    if (!answered)
        throw Failure{FailureKind::timed_out, "the machine's systemd does not answer"};
    if (failure && failure->kind() != FailureKind::not_supported)
        throw std::move(*failure);
    return !failure;
}

std::optional<ShellState> state_of_shell(Connection& bus, int pty_number) {
    std::optional<std::optional<ShellState>> state;
    ask_shell_state(bus, pty_number, [&](std::optional<ShellState> told) { state = told; });
    while (!state && bus.wait_and_process(patience))
        continue;
    return state.value_or(std::nullopt);
}

int status_of_shell(Connection& bus, int pty_number) {
    for (int look = 0; look < most_looks; ++look) {
        const auto state = state_of_shell(bus, pty_number);
        if (!state)
            return EXIT_FAILURE;
        if (state->ended)
            return state->status;
        std::this_thread::sleep_for(between_looks);
    }
    return EXIT_SUCCESS; // left, and still at work
}

} // namespace

std::optional<int> run_session_unit(const Machine& machine, const SessionWish& wish, const Places& places) {
    ErrandAnswer connected;
    try {
        connected = run_errand(machine, {.kind = ErrandKind::bus}, places, patience);
    } catch (const Failure& failure) {
        if (failure.kind() == FailureKind::not_permitted)
            throw;
        return std::nullopt;
    }
    EventLoop loop; // never run: what is asked here is waited for
    Connection bus{loop, std::move(connected.descriptors.at(0))};
    ErrandAnswer terminal = run_errand(machine, {.kind = ErrandKind::pty}, places, patience);
    const int number = pty_number(terminal.descriptors.at(0));
    if (!start_unit(bus, wish, terminal.descriptors.at(0)))
        return std::nullopt;
    if (wish.announce)
        wish.announce();
    const bool patient = !wish.shell;
    relay(prepare_relay(machine.name(), machine.leader, std::move(terminal.descriptors.at(0)), patient, wish.quiet,
                        places));
    return wish.shell && machine.leader.alive() ? status_of_shell(bus, number) : EXIT_SUCCESS;
}

} // namespace machinist
