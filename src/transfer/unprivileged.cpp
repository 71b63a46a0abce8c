// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/unprivileged.hpp"

#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/landlock.hpp"
#include "kernel/syscalls.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr uid_t nobody = 65534;
constexpr int not_there = 127;

void keep_only(const std::vector<BorrowedFd>& kept) {
    std::vector<unsigned> numbers{0, 1, 2};
    for (const BorrowedFd file : kept)
        numbers.push_back(static_cast<unsigned>(file.get()));
    std::ranges::sort(numbers);
    unsigned next = 0;
    for (const unsigned number : numbers) {
        if (number > next)
            (void)sys::close_range(next, number - 1, 0);
        next = number + 1;
    }
    (void)sys::close_range(next, ~0U, 0);
}

} // namespace

void stand_alone(const std::vector<BorrowedFd>& kept) {
    keep_only(kept);
    const UniqueFd null = open_path("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2})
        if (std::ranges::none_of(kept, [&](BorrowedFd file) { return file.get() == stream; }))
            ::dup2(null.get(), stream);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE})
        ::signal(signal, signal == SIGPIPE ? SIG_IGN : SIG_DFL);
}

void become_nobody() {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) < 0 || ::setresgid(nobody, nobody, nobody) < 0 ||
                             ::setresuid(nobody, nobody, nobody) < 0))
        throw system_failure("become an unprivileged user");
}

void end_with(pid_t parent) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Perhaps it has ended before.
    if (::getppid() != parent)
        ::_exit(1);
}

void become_unprivileged(const std::vector<BorrowedFd>& kept, pid_t parent, bool may_execute) {
    stand_alone(kept);
    become_nobody();
    set_no_new_privileges();
    end_with(parent);
    (void)!::chdir("/");
    (void)landlock::change_no_files(may_execute);
}

int run_unprivileged(std::vector<std::string> arguments, const std::vector<BorrowedFd>& files) {
    const std::string program = arguments.front();
    const pid_t self = ::getpid();
    const Pidfd child = fork_held();
    if (!child) {
        try {
            // What it reads is here already.
            (void)::unshare(CLONE_NEWNET);
            become_unprivileged(files, self, true);
            for (const BorrowedFd file : files) {
                ::fcntl(file.get(), F_SETFD, 0);
                arguments.push_back(path_of_descriptor(file));
            }
            std::vector<char*> words;
            for (std::string& argument : arguments)
                words.push_back(argument.data());
            words.push_back(nullptr);
            ::execvp(words[0], words.data());
        } catch (const Failure&) {
            // Its status says enough.
        }
        ::_exit(not_there);
    }
    siginfo_t end{};
    while (::waitid(P_PIDFD, static_cast<id_t>(child.descriptor().get()), &end, WEXITED) < 0)
        if (errno != EINTR)
            throw system_failure("wait for '" + program + "'");
    if (end.si_code == CLD_EXITED && end.si_status == not_there)
        throw Failure{FailureKind::not_supported, "run '" + program + "'"}.try_instead("installing it");
    return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}

} // namespace machinist
