// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/newcomer.hpp"

#include "base/failure.hpp"
#include "enter/command.hpp"
#include "enter/machine_terminal.hpp"
#include "enter/report.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"
#include "kernel/pty.hpp"
#include "kernel/seccomp.hpp"
#include "kernel/syscalls.hpp"
#include "spec/account.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

constexpr std::size_t longest_shown = 200; // of a path in a message

struct Newcomer {
    const Order& order;
    const LeaderView& leader;
    UniqueFd told;
    std::vector<sock_filter> filter;
    std::vector<sock_filter> rules;
    Account account;
    Pty terminal;
};

void stay_unseen() {
    // A change of credentials may undo it (sysctl fs.suid_dumpable), so each one is followed by this.
    if (::prctl(PR_SET_DUMPABLE, 0) < 0)
        throw system_failure("refuse to be looked at");
}

void leave_what_is_of_the_caller(Newcomer& newcomer) {
    stay_unseen();
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL); // fails for SIGKILL, SIGSTOP and the C library's own
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::umask(022);
    // The caller's terminal stays the caller's; and the whole command can be signalled at once.
    if (::setsid() < 0)
        throw system_failure("begin a session");
    if (::setgroups(0, nullptr) < 0)
        throw system_failure("give up the caller's groups");
    // Keys of the caller's session would be readable for the machine.
    if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS)
        throw system_failure("begin a keyring");
    // Until the command has streams of its own, the three numbers mean nothing of the host's.
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup3(newcomer.leader.root.get(), stream, O_CLOEXEC) < 0)
            throw system_failure("let go of the caller's streams");
    if (newcomer.order.syscall_filter)
        newcomer.filter = read_filter(newcomer.order.syscall_filter);
    if (newcomer.order.syscall_rules)
        newcomer.rules = read_filter(newcomer.order.syscall_rules);
}

void close_what_is_of_the_host(Newcomer& newcomer) {
    std::vector<unsigned> kept{2};
    for (const int descriptor :
         {newcomer.told.get(), newcomer.leader.root.get(), newcomer.order.leader.descriptor().get()})
        kept.push_back(static_cast<unsigned>(descriptor));
    std::ranges::sort(kept);
    kept.push_back(~0U);
    for (std::size_t at = 0; at + 1 < kept.size(); ++at)
        if (kept[at] + 1 < kept[at + 1] && sys::close_range(kept[at] + 1, kept[at + 1] - 1, 0) < 0)
            throw system_failure("close what is not needed");
}

void take_limits(Newcomer& newcomer) {
    take_limits_of(newcomer.leader);
}

void join_namespaces(Newcomer& newcomer) {
    const int flags = newcomer.leader.namespaces & ~CLONE_NEWPID;
    if (flags != 0 && ::setns(newcomer.order.leader.descriptor().get(), flags) < 0)
        throw system_failure("join its namespaces");
    // The host's root has no number in there, so nothing it made could be given to a user.
    if ((flags & CLONE_NEWUSER) != 0 && (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0))
        throw system_failure("become the machine's root");
    stay_unseen();
}

void enter_root(Newcomer& newcomer) {
    if (::fchdir(newcomer.leader.root.get()) < 0 || ::chroot(".") < 0 || ::chdir("/") < 0)
        throw system_failure("enter its root directory");
}

std::string read_account_file(BorrowedFd root, const char* path) {
    // Not by way of /proc, as other readers of trees do: here it would be the machine's own.
    const auto file = open_beneath_if_exists(root, path, O_RDONLY | O_NONBLOCK, Links::inside_root);
    if (!file)
        return {};
    if (!S_ISREG(status_of(*file).st_mode))
        throw Failure{FailureKind::hostile, std::string{"read '/"} + path + "': it is not a regular file"};
    return read_all(*file, account_file_limit);
}

void find_user(Newcomer& newcomer) {
    const BorrowedFd root = newcomer.leader.root;
    newcomer.account =
        find_account(newcomer.order.user, read_account_file(root, "etc/passwd"), read_account_file(root, "etc/group"));
}

void open_terminal(Newcomer& newcomer) {
    if (!newcomer.order.pty)
        return;
    newcomer.terminal.master = open_master_in_machine(newcomer.leader.root);
    newcomer.terminal.slave = open_pty_slave(newcomer.terminal.master);
    // The group is "tty", by the mount's options.
    if (::fchown(newcomer.terminal.slave.get(), newcomer.account.uid, static_cast<gid_t>(-1)) < 0)
        throw system_failure("give the terminal to the user");
}

void become_user(Newcomer& newcomer) {
    const Account& account = newcomer.account;
    limit_bounding_capabilities(newcomer.leader.status.bounding_capabilities);
    keep_capabilities_over_user_change();
    // A user namespace may forbid it; then there are none, since ours were given up on the host.
    const bool no_groups = ::setgroups(account.groups.size(), account.groups.data()) < 0;
    if ((no_groups && (errno != EPERM || !account.groups.empty())) ||
        ::setresgid(account.gid, account.gid, account.gid) < 0 ||
        ::setresuid(account.uid, account.uid, account.uid) < 0)
        throw system_failure("become user '" + newcomer.order.user + "'");
    stay_unseen();
    // Forgotten by the change of user, so not earlier. A terminal tells of the caller's end by itself, more gently.
    if (!newcomer.order.pty && ::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        throw system_failure("ask to end with the caller");
}

void find_directory(Newcomer& newcomer) {
    if (newcomer.order.directory) {
        if (::chdir(newcomer.order.directory->c_str()) < 0)
            throw system_failure("change to '" + newcomer.order.directory->substr(0, longest_shown) +
                                 "' of the machine");
    } else if (::chdir(newcomer.account.home.c_str()) < 0 && ::chdir("/") < 0) {
        throw system_failure("change to '/' of the machine");
    }
    char directory[PATH_MAX];
    // The C library fails where the kernel answers "(unreachable)": a directory outside of the root (CVE-2024-21626).
    if (::getcwd(directory, sizeof directory) == nullptr && errno != EACCES)
        throw Failure{FailureKind::hostile, "the working directory lies outside of the machine", errno};
}

// Pipes are made by the user who will open them again as /dev/stdout and the like.
void connect_streams(Newcomer& newcomer) {
    std::vector<UniqueFd> ours;
    std::vector<UniqueFd> theirs;
    if (newcomer.order.pty) {
        if (::ioctl(newcomer.terminal.slave.get(), TIOCSCTTY, 0) < 0)
            throw system_failure("take the terminal");
        theirs.push_back(std::move(newcomer.terminal.master));
        ours.push_back(std::move(newcomer.terminal.slave));
    } else {
        auto [input, to_input] = make_pipe();
        auto [from_output, output] = make_pipe();
        auto [from_errors, errors] = make_pipe();
        theirs.push_back(std::move(to_input));
        theirs.push_back(std::move(from_output));
        theirs.push_back(std::move(from_errors));
        // Tells what was not read in the end.
        theirs.emplace_back(::fcntl(input.get(), F_DUPFD_CLOEXEC, 0));
        ours.push_back(std::move(input));
        ours.push_back(std::move(output));
        ours.push_back(std::move(errors));
    }
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup2(ours[std::min<std::size_t>(static_cast<std::size_t>(stream), ours.size() - 1)].get(), stream) < 0)
            throw system_failure("connect the command's streams");
    if (!report_ready(newcomer.told, std::move(theirs)))
        ::_exit(EXIT_FAILURE);
}

void drop_privileges(Newcomer& newcomer) {
    const std::uint64_t held = newcomer.leader.status.bounding_capabilities;
    if (newcomer.leader.status.no_new_privileges)
        set_no_new_privileges();
    if (!newcomer.filter.empty()) {
        // Loading needs CAP_SYS_ADMIN, which a change of user takes from the effective set only.
        set_capabilities({.effective = all_capabilities(), .permitted = all_capabilities()});
        load_syscall_filter(newcomer.filter);
        load_syscall_filter(newcomer.rules);
    }
    // Inheritable ones stay empty (CVE-2022-29162): root gets what the bounding set leaves by its exec.
    const bool root = newcomer.account.uid == 0;
    set_capabilities({.effective = root ? held : 0, .permitted = root ? held : 0});
}

void execute(Newcomer& newcomer) {
    execute_command(newcomer.order, newcomer.account);
}

struct Stage {
    const char* name;
    void (*run)(Newcomer&);
};

// Order matters: what needs the host comes before the namespaces, what needs root in the machine before the user.
constexpr Stage stages[]{{"leave what is of the caller", leave_what_is_of_the_caller},
                         {"take the leader's limits", take_limits},
                         {"close what is of the host", close_what_is_of_the_host},
                         {"join the namespaces", join_namespaces},
                         {"enter the root", enter_root},
                         {"find the user", find_user},
                         {"open a terminal", open_terminal},
                         {"become the user", become_user},
                         {"find the working directory", find_directory},
                         {"connect the streams", connect_streams},
                         {"drop privileges", drop_privileges},
                         {"execute the command", execute}};

} // namespace

void go_in(const Order& order, const LeaderView& leader, UniqueFd told) {
    Newcomer newcomer{.order = order,
                      .leader = leader,
                      .told = std::move(told),
                      .filter = {},
                      .rules = {},
                      .account = {},
                      .terminal = {}};
    try {
        for (const Stage& stage : stages)
            doing(stage.name, [&] { stage.run(newcomer); });
    } catch (const NotExecuted& problem) {
        report_failure(newcomer.told, problem.failure, problem.status);
    } catch (const Failure& failure) {
        report_failure(newcomer.told, failure, status_not_entered);
    } catch (const std::exception& broken) {
        report_failure(newcomer.told, Failure{FailureKind::internal, broken.what()}, status_not_entered);
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace machinist::enter
