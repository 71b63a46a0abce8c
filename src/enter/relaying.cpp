// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/relaying.hpp"

#include "base/failure.hpp"
#include "enter/escape.hpp"
#include "enter/flow.hpp"
#include "enter/taken_signals.hpp"
#include "enter/terminal.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

constexpr char end_of_input = 0x04;
constexpr int tell_again = 200; // milliseconds
constexpr int look_again = 50;  // milliseconds; nothing tells that a terminal which was hung up is opened again

constexpr int ending[]{SIGHUP, SIGINT, SIGTERM, SIGQUIT};

class Relay {
public:
    explicit Relay(const Order& order) : order_(order), master_(order.relay), signals_(open_signals(ending, before_)) {
        if (::fcntl(master_.get(), F_SETFL, O_NONBLOCK) < 0)
            throw system_failure("take the terminal of the machine");
        raw_.emplace(BorrowedFd{STDIN_FILENO});
        resize();
        typed_.emplace(BorrowedFd{STDIN_FILENO}, master_);
        shown_.emplace(master_, BorrowedFd{STDOUT_FILENO});
    }

    void run() {
        while (!ended_)
            wait_and_act();
        if (shown_)
            shown_->drain();
    }

private:
    void resize() const {
        if (::isatty(STDIN_FILENO))
            set_size_of_terminal(master_, size_of_terminal(BorrowedFd{STDIN_FILENO}));
    }

    void wait_and_act() {
        std::array<pollfd, 4> all{
            {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
             {.fd = order_.leader ? order_.leader.descriptor().get() : -1, .events = POLLIN, .revents = 0},
             typed_ ? typed_->awaited() : pollfd{.fd = -1, .events = 0, .revents = 0},
             shown_ ? shown_->awaited() : pollfd{.fd = -1, .events = 0, .revents = 0}}};
        const int ready = ::poll(all.data(), all.size(), !shown_ ? look_again : typed_ ? -1 : tell_again);
        if (ready < 0 && errno != EINTR)
            throw system_failure("wait for the terminals");
        // A shell that has just begun throws away what was typed before.
        if (ready == 0 && !typed_)
            (void)::write(master_.get(), &end_of_input, 1);
        if (all[0].revents != 0)
            take_signals();
        if (all[1].revents != 0)
            ended_ = true;
        if (all[2].revents != 0)
            take_typed();
        if (!shown_)
            shown_.emplace(master_, BorrowedFd{STDOUT_FILENO});
        else if (all[3].revents != 0)
            take_shown();
    }

    void take_signals() {
        signalfd_siginfo taken{};
        while (::read(signals_.get(), &taken, sizeof taken) == sizeof taken) {
            if (taken.ssi_signo == SIGWINCH)
                resize();
            else
                ended_ = true;
        }
    }

    void take_typed() {
        const bool reading = typed_->held().empty();
        typed_->step();
        if (reading && order_.escapable && escape_.seen_in(typed_->held(), std::chrono::steady_clock::now()))
            ended_ = true;
        if (!typed_->ended())
            return;
        typed_.reset();
        (void)::write(master_.get(), &end_of_input, 1);
    }

    void take_shown() {
        shown_->step();
        if (!shown_->ended())
            return;
        shown_.reset();
        // A login prompt hangs its terminal up and takes it anew at each login.
        ended_ = ended_ || !order_.patient;
    }

    const Order& order_;
    BorrowedFd master_;
    sigset_t before_{};
    UniqueFd signals_;
    std::optional<RawTerminal> raw_;
    std::optional<Flow> typed_;
    std::optional<Flow> shown_;
    EscapeKey escape_;
    bool ended_ = false;
};

} // namespace

int relay_terminal(const Order& order) {
    Relay{order}.run();
    return EXIT_SUCCESS;
}

} // namespace machinist::enter
