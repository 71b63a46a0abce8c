// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/session.hpp"

#include "enter/arrival.hpp"
#include "enter/escape.hpp"
#include "enter/flow.hpp"
#include "enter/leader_view.hpp"
#include "enter/report.hpp"
#include "enter/taken_signals.hpp"
#include "enter/terminal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto grace = std::chrono::milliseconds{500}; // between asking a command that took too long to end and its end
constexpr char end_of_input = 0x04;                    // on a terminal
constexpr int forwarded[]{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

class Session {
public:
    explicit Session(const Order& order) : order_(order), signals_(open_signals(forwarded, before_)) {}

    Outcome run() {
        start();
        if (order_.seconds)
            deadline_ = Clock::now() +
                        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{*order_.seconds});
        while (!ended_)
            wait_and_act();
        finish();
        return std::move(outcome_);
    }

private:
    void start();
    void wait_and_act();
    int milliseconds_left() const;
    void take_report();
    void connect(std::vector<UniqueFd> streams);
    void take_signals();
    void signal_command(int signal) const;
    void take_time();
    void move_bytes(const std::array<pollfd, 3>& ready);
    void close_what_ended();
    void take_end();
    void finish();
    void give_back_unread_input();

    const Order& order_;
    sigset_t before_{};
    UniqueFd signals_;
    UniqueFd told_;
    Pidfd child_;
    std::optional<Clock::time_point> deadline_;
    bool timed_out_ = false;
    bool executed_ = false;
    bool ended_ = false;
    std::vector<UniqueFd> streams_; // a terminal's master, or our ends of the three pipes and the other one of stdin
    std::array<std::optional<Flow>, 3> flows_;
    std::optional<RawTerminal> raw_;
    EscapeKey escape_;
    Outcome outcome_;
};

void Session::start() {
    const LeaderView leader = look_at_leader(order_.leader);
    Arrival newcomer = start_newcomer(order_, leader);
    child_ = std::move(newcomer.process);
    told_ = std::move(newcomer.told);
}

int Session::milliseconds_left() const {
    if (!deadline_)
        return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

void Session::wait_and_act() {
    std::array<pollfd, 6> all{{{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                               {.fd = told_.get(), .events = POLLIN, .revents = 0},
                               {.fd = child_.descriptor().get(), .events = POLLIN, .revents = 0},
                               {.fd = -1, .events = 0, .revents = 0},
                               {.fd = -1, .events = 0, .revents = 0},
                               {.fd = -1, .events = 0, .revents = 0}}};
    for (std::size_t at = 0; at < flows_.size(); ++at)
        if (flows_[at])
            all[3 + at] = flows_[at]->awaited();
    if (::poll(all.data(), all.size(), milliseconds_left()) < 0 && errno != EINTR)
        throw system_failure("wait for the command");
    if (deadline_ && Clock::now() >= *deadline_)
        take_time();
    if (all[0].revents != 0)
        take_signals();
    if (all[1].revents != 0)
        take_report();
    move_bytes({all[3], all[4], all[5]});
    if (all[2].revents != 0)
        take_end();
}

void Session::take_report() {
    Report report = receive_report(told_);
    if (report.end) {
        executed_ = !streams_.empty() && !outcome_.failure;
        told_.reset();
    } else if (report.failure) {
        outcome_.failure = std::move(report.failure);
        outcome_.status = report.status;
    } else {
        connect(std::move(report.streams));
    }
}

void Session::connect(std::vector<UniqueFd> streams) {
    if (streams.size() != (order_.pty ? 1 : 4) || !streams_.empty())
        throw Failure{FailureKind::hostile,
                      "the process that entered the machine handed over too few streams or too many"};
    streams_ = std::move(streams);
    // The last one is the command's own end of its stdin: what is set there the command sees.
    for (std::size_t at = 0; at < (order_.pty ? 1 : 3); ++at)
        if (::fcntl(streams_[at].get(), F_SETFL, O_NONBLOCK) < 0)
            throw system_failure("take the command's streams");
    if (order_.pty) {
        raw_.emplace(BorrowedFd{STDIN_FILENO});
        set_size_of_terminal(streams_[0], size_of_terminal(BorrowedFd{STDIN_FILENO}));
        flows_[0].emplace(BorrowedFd{STDIN_FILENO}, streams_[0]);
        flows_[1].emplace(streams_[0], BorrowedFd{STDOUT_FILENO});
    } else {
        flows_[0].emplace(BorrowedFd{STDIN_FILENO}, streams_[0]);
        flows_[1].emplace(streams_[1], BorrowedFd{STDOUT_FILENO});
        flows_[2].emplace(streams_[2], BorrowedFd{STDERR_FILENO});
    }
    let_go_on(told_);
}

void Session::take_signals() {
    signalfd_siginfo taken{};
    while (::read(signals_.get(), &taken, sizeof taken) == sizeof taken) {
        const int signal = static_cast<int>(taken.ssi_signo);
        if (signal == SIGWINCH) {
            if (order_.pty && !streams_.empty())
                set_size_of_terminal(streams_[0], size_of_terminal(BorrowedFd{STDIN_FILENO}));
        } else {
            // On its way in it has no handlers yet, and the machine may make it wait for ever.
            signal_command(executed_ ? signal : SIGKILL);
        }
    }
}

// The command leads a session, so its number is that of its process group, too.
void Session::signal_command(int signal) const {
    if (::kill(-child_.pid(), signal) < 0)
        child_.send_signal(signal);
}

void Session::take_time() {
    signal_command(timed_out_ || !executed_ ? SIGKILL : SIGTERM);
    // A stopped command would not see it.
    signal_command(SIGCONT);
    deadline_ = timed_out_ ? std::nullopt : std::optional{Clock::now() + grace};
    timed_out_ = true;
}

void Session::move_bytes(const std::array<pollfd, 3>& ready) {
    for (std::size_t at = 0; at < flows_.size(); ++at) {
        if (!flows_[at] || ready[at].fd < 0 || ready[at].revents == 0)
            continue;
        const bool reading = flows_[at]->held().empty();
        flows_[at]->step();
        if (at == 0 && reading && order_.escapable && escape_.seen_in(flows_[at]->held(), Clock::now())) {
            // The terminal's end tells the session in the machine, as if a line were cut.
            signal_command(SIGHUP);
            ended_ = true;
        }
    }
    close_what_ended();
}

// The other side learns of an end by the end of its stream.
void Session::close_what_ended() {
    for (std::size_t at = 0; at < flows_.size(); ++at) {
        if (!flows_[at] || !flows_[at]->ended())
            continue;
        flows_[at].reset();
        if (!order_.pty)
            streams_[at].reset();
        else if (at == 0)
            (void)::write(streams_[0].get(), &end_of_input, 1);
    }
}

void Session::take_end() {
    ended_ = true;
    while (told_)
        take_report();
    siginfo_t end{};
    // The C library hides what the system call tells beside.
    if (::syscall(SYS_waitid, P_PIDFD, child_.descriptor().get(), &end, WEXITED, &outcome_.used) < 0)
        throw system_failure("learn how the command ended");
    if (timed_out_)
        outcome_.status = status_timed_out;
    else if (executed_)
        outcome_.status = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
    else if (!outcome_.failure && end.si_code != CLD_EXITED)
        outcome_.status = 128 + end.si_status;
    else if (!outcome_.failure)
        outcome_ = {.status = status_not_entered,
                    .failure = Failure{FailureKind::hostile, "the process that entered the machine ended on its way"},
                    .used = outcome_.used};
}

void Session::finish() {
    // What the command took too long for is ended with all of its process group, not only its first process.
    if (timed_out_)
        ::kill(-child_.pid(), SIGKILL);
    // Nobody is left to forward signals to: from here on they end us, should the caller's readers make us wait.
    if (!order_.pty)
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    for (std::size_t at = 1; at < flows_.size(); ++at)
        if (flows_[at])
            flows_[at]->drain();
    if (!order_.pty && !streams_.empty())
        give_back_unread_input();
}

// A file is left where the command stopped reading it, as if it had read it itself: "while read x; do ... done < file".
void Session::give_back_unread_input() {
    int unread = 0;
    if (::lseek(STDIN_FILENO, 0, SEEK_CUR) < 0 || ::ioctl(streams_[3].get(), FIONREAD, &unread) < 0)
        return;
    const off_t held = flows_[0] ? static_cast<off_t>(flows_[0]->held().size()) : 0;
    (void)::lseek(STDIN_FILENO, -held - unread, SEEK_CUR);
}

} // namespace

Outcome run_session(const Order& order) {
    return Session{order}.run();
}

} // namespace machinist::enter
