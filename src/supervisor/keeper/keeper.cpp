// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/keeper.hpp"

#include "kernel/syscalls.hpp"
#include "supervisor/keeper/cgroup.hpp"
#include "supervisor/keeper/report.hpp"
#include "supervisor/keeper/terminal.hpp"
#include "supervisor/keeper/text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::keeper {

namespace {

enum Tag : std::uint64_t { tag_leader, tag_signals, tag_notify, tag_console };

// Signals of systemd's interface are lost before its handlers are there (Container Interface D6). A system that
// tells nothing by sd_notify is taken to be that far after this time.
constexpr Milliseconds time_to_install_handlers = 5000;
// How often a terminal in whose background we are is looked at.
constexpr Milliseconds background_interval = 1000;

constexpr int status_reboot = 133;

} // namespace

Keeper::Keeper(const keeper_orders& orders, const Signals& signals)
    : orders_(orders),
      signals_(signals),
      leader_(UniqueFd{orders.leader_pidfd}, orders.leader_pid),
      run_directory_(orders.run_directory_fd),
      cgroup_(orders.cgroup_fd),
      notify_(UniqueFd{orders.notify_fd}, orders.leader_pid, manager_),
      console_(orders),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      started_(now()) {}

void Keeper::run() {
    watch(leader_.pidfd(), tag_leader);
    watch(signals_.descriptor(), tag_signals);
    watch(notify_.descriptor(), tag_notify);
    console_.start(epoll_, tag_console);
    announce();

    // A child that ended before SIGCHLD was blocked sends no other.
    leader_may_have_ended(false);
    for (;;) {
        const bool more = console_.pump();
        act_on_hotkeys();
        // Only what was looked at after its end is known to be all.
        if (ended_ && (abandon_output_ || (!more && console_.drained())))
            break;
        wait_for_events(more);
        deliver_request();
        manager_.ping_if_due();
    }
    console_.finish();
}

void Keeper::announce() const {
    Text<128> message;
    message << "STATUS=Container started.\nX_NSPAWN_LEADER_PID=" << orders_.leader_pid;
    manager_.tell(message.view());
    if ((orders_.flags & KEEPER_NOTIFY_READY) == 0)
        manager_.tell("READY=1");
}

void Keeper::watch(BorrowedFd descriptor, std::uint64_t tag) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = tag}};
    if (descriptor)
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor.get(), &event);
}

void Keeper::wait_for_events(bool at_once) {
    Milliseconds until = manager_.next_ping();
    if (requested_signal_ != 0)
        until = std::min(until, started_ + time_to_install_handlers);
    const bool in_background = Console::in_background();
    if (in_background)
        until = std::min(until, now() + background_interval);

    epoll_event events[4];
    const int count = ::epoll_wait(epoll_.get(), events, std::size(events), at_once ? 0 : timeout_until(until));
    bool pidfd_says_so = false;
    for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 == tag_notify)
            notify_.receive(run_directory_);
        else if (events[i].data.u64 == tag_signals)
            handle_signals();
        else if (events[i].data.u64 == tag_leader)
            pidfd_says_so = true;
    }
    if (in_background && !Console::in_background())
        console_.foreground_changed();
    leader_may_have_ended(pidfd_says_so);
}

void Keeper::handle_signals() {
    while (const int signal = signals_.next()) {
        switch (signal) {
        case SIGTERM:
        case SIGINT:
        case SIGHUP:
        case SIGURG: stop_requested(); break; // the latter is how systemd stops our scope
        case SIGQUIT: kill(); break;
        case SIGWINCH: console_.window_changed(); break;
        case SIGCONT: console_.foreground_changed(); break;
        default: break; // SIGCHLD: looked at after each round
        }
    }
}

void Keeper::stop_requested() {
    // A booted one without a signal has an init that takes none.
    if ((orders_.kill_signal == 0 && (orders_.flags & KEEPER_BOOTED) == 0) || stopping_) {
        kill();
        return;
    }
    stopping_ = true;
    manager_.tell("STOPPING=1\nSTATUS=Shutting down...");
    request_end();
}

void Keeper::request(int signal) {
    requested_signal_ = signal;
    deliver_request();
}

void Keeper::request_end() {
    // Who stands still hears nothing.
    thaw_cgroup(cgroup_);
    if (orders_.kill_signal == 0)
        ask_by_launcher("poweroff");
    else
        request(orders_.kill_signal);
}

void Keeper::ask_by_launcher(const char* verb) const {
    const pid_t us = ::getpid();
    const pid_t waiting = ::fork();
    if (waiting > 0)
        return;
    // Where it cannot be asked it is ended: SIGQUIT means that to us.
    if (waiting < 0) {
        ::kill(us, SIGQUIT);
        return;
    }
    signals_.give_back();
    sys::close_range(STDERR_FILENO + 1, ~0U, 0);
    const pid_t asking = ::fork();
    if (asking == 0) {
        ::execl(orders_.launcher, "machinist", verb, "--", orders_.name, nullptr);
        ::_exit(127);
    }
    int status = 1;
    if (asking > 0)
        ::waitpid(asking, &status, 0);
    if (status != 0 && ::getppid() == us)
        ::kill(us, SIGQUIT);
    ::_exit(0);
}

void Keeper::deliver_request() {
    const bool may_be_heard = (orders_.flags & KEEPER_BOOTED) == 0 || notify_.signals_installed() ||
                              now() >= started_ + time_to_install_handlers;
    if (requested_signal_ == 0 || !may_be_heard)
        return;
    leader_.send(requested_signal_);
    requested_signal_ = 0;
}

void Keeper::kill() {
    // Asked once more although nothing can live: what keeps us is output that nobody reads.
    abandon_output_ = killed_ || ended_;
    stopping_ = killed_ = true;
    leader_.kill_all(cgroup_);
}

void Keeper::act_on_hotkeys() {
    // Those of systemd's interface.
    const bool knows_signals = (orders_.flags & KEEPER_BOOTED) == 0 || orders_.kill_signal == SIGRTMIN + 3;
    switch (console_.take_action()) {
    case Hotkeys::Action::none: break;
    case Hotkeys::Action::kill: kill(); break;
    case Hotkeys::Action::power_off: knows_signals ? request(SIGRTMIN + 4) : request_end(); break;
    case Hotkeys::Action::reboot: knows_signals ? request(SIGRTMIN + 5) : ask_by_launcher("reboot"); break;
    }
}

void Keeper::leader_may_have_ended(bool pidfd_says_so) {
    if (ended_ || !(leader_.reap() || pidfd_says_so))
        return;
    ended_ = true;
    // Its last words came before its end.
    notify_.receive(run_directory_);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, leader_.pidfd().get(), nullptr);
    console_.machine_ended();
}

bool Keeper::conclude(int& exit_status) {
    // What came last may say that it shall not start again.
    handle_signals();
    const siginfo_t& end = leader_.status();
    const bool reboot = end.si_code == CLD_KILLED && end.si_status == SIGHUP;
    const bool keep_unit = (orders_.flags & KEEPER_KEEP_UNIT) != 0;
    // Whoever asked for the machine's end does not want it back.
    if (reboot && !keep_unit && !stopping_)
        return true;

    if (end.si_code == CLD_EXITED)
        // 133 is what we say for a reboot.
        exit_status = end.si_status == status_reboot ? 1 : end.si_status;
    else if (reboot)
        exit_status = keep_unit ? status_reboot : 0;
    else if (end.si_code == CLD_KILLED && end.si_status == SIGINT)
        exit_status = 0;
    else {
        exit_status = 1;
        if ((orders_.flags & KEEPER_QUIET) == 0) {
            const char* name = ::sigabbrev_np(end.si_status);
            Text<160> sentence;
            sentence << "Container " << orders_.name << " terminated by signal ";
            if (name != nullptr)
                sentence << name;
            else if (end.si_status >= SIGRTMIN)
                sentence << "RTMIN+" << end.si_status - SIGRTMIN;
            else
                sentence << end.si_status;
            sentence << '.';
            say(sentence.view());
        }
    }
    manager_.tell(exit_status == status_reboot ? "STOPPING=1\nSTATUS=Restarting..."
                                               : "STOPPING=1\nSTATUS=Terminating...");
    Text<32> message;
    message << "EXIT_STATUS=" << exit_status;
    manager_.tell(message.view());
    return false;
}

} // namespace machinist::keeper
