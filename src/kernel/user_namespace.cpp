// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/user_namespace.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

std::string map_text(std::span<const IdMap> maps) {
    std::string text;
    for (const IdMap& map : maps)
        text += std::to_string(map.inside) + ' ' + std::to_string(map.outside) + ' ' + std::to_string(map.count) + '\n';
    return text;
}

UniqueFd open_process(pid_t process) {
    return open_path("/proc/" + std::to_string(process), O_PATH | O_DIRECTORY);
}

void write_maps(BorrowedFd process, std::span<const IdMap> uids, std::span<const IdMap> gids) {
    write_existing(process, "uid_map", map_text(uids));
    write_existing(process, "gid_map", map_text(gids));
}

struct Waiter {
    int read_end;
    int write_end;
};

// Shares the memory of the thread that made it, errno included: system calls only, and none that fails. It ends with
// the pipe, which closes also if the parent is killed.
int wait_for_parent(void* argument) {
    const Waiter& waiter = *static_cast<const Waiter*>(argument);
    ::syscall(SYS_close, waiter.write_end);
    char byte;
    ::syscall(SYS_read, waiter.read_end, &byte, 1);
    ::syscall(SYS_exit, 0);
    return 0;
}

} // namespace

UniqueFd make_user_namespace(std::span<const IdMap> uids, std::span<const IdMap> gids) {
    auto [read_end, write_end] = make_pipe();
    Waiter waiter{read_end.get(), write_end.get()};

    // A signal handler of ours must not run in the child, on our memory: the child is born with all signals blocked.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    alignas(16) std::array<char, 16384> stack; // NOLINT: filled by the child
    // No exit signal: SIGCHLD would look like the end of somebody else's child.
    const pid_t child = ::clone(wait_for_parent, stack.data() + stack.size(), CLONE_VM | CLONE_NEWUSER, &waiter);
    const int error_number = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (child < 0) {
        auto failure = system_failure("make a user namespace", error_number);
        if (error_number == ENOSPC || error_number == EUSERS)
            failure.try_instead("a larger user.max_user_namespaces (sysctl)");
        throw failure;
    }
    // The child stands on this stack frame: it has ended before the frame goes.
    const ScopeExit reap{[&] {
        write_end.reset();
        while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR)
            continue;
    }};

    return doing("make a user namespace", [&] {
        const UniqueFd process = open_process(child);
        write_maps(process, uids, gids);
        UniqueFd user_namespace{::openat(process.get(), "ns/user", O_RDONLY | O_CLOEXEC)};
        if (!user_namespace)
            throw system_failure("open it");
        return user_namespace;
    });
}

std::vector<IdMap> read_id_maps(const std::string& file) {
    std::vector<IdMap> maps;
    const std::string text = read_file(file);
    for (const std::string_view line : split(text, '\n')) {
        const auto words = split_words(line);
        if (words.size() != 3)
            continue;
        const auto inside = parse_integer<std::uint32_t>(words[0]);
        const auto outside = parse_integer<std::uint32_t>(words[1]);
        const auto count = parse_integer<std::uint32_t>(words[2]);
        if (inside && outside && count)
            maps.push_back({.inside = *inside, .outside = *outside, .count = *count});
    }
    return maps;
}

bool in_initial_user_namespace() {
    constexpr ino_t initial = 0xEFFFFFFD; // PROC_USER_INIT_INO
    struct stat status {};
    return ::stat("/proc/self/ns/user", &status) == 0 && status.st_ino == initial;
}

void write_id_maps(pid_t process, std::span<const IdMap> uids, std::span<const IdMap> gids) {
    const UniqueFd directory = open_process(process);
    write_maps(directory, uids, gids);
}

} // namespace machinist
