// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/serving.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "bus/event_loop.hpp"
#include "bus/log.hpp"
#include "gateway/gateway.hpp"
#include "gateway/gateway_facts.hpp"
#include "gateway/gateway_server.hpp"
#include "gateway/nft_session.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <thread>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int most_waits = 1000;
constexpr std::chrono::milliseconds between_waits{10};
constexpr int ready_descriptor = 3;
constexpr const char* unit = "machinist-gateway.service";

// The one who had it before takes the file away.
bool is_still_at(BorrowedFd file, const std::filesystem::path& path) {
    struct stat here {};
    const struct stat ours = status_of(file);
    return ::stat(path.c_str(), &here) == 0 && here.st_ino == ours.st_ino && here.st_dev == ours.st_dev;
}

// Whoever serves holds it. Nothing if somebody does and answers.
std::optional<UniqueFd> take_the_place(const std::filesystem::path& directory) {
    for (int wait = 0; wait < most_waits; ++wait) {
        make_directories(directory, 0755);
        UniqueFd lock = open_path(directory / "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        const bool is_locked = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
        if (is_locked && is_still_at(lock, directory / "lock"))
            return lock;
        if (!is_locked && errno != EWOULDBLOCK && errno != EINTR)
            throw system_failure("lock '" + (directory / "lock").string() + "'");
        if (GatewayClient::connect())
            return std::nullopt;
        // It is on its way, here or away.
        std::this_thread::sleep_for(between_waits);
    }
    throw Failure{FailureKind::timed_out, "wait for another machinist-gateway to serve or to end"};
}

bool is_the_hosts_network() {
    struct stat ours {};
    struct stat of_first {};
    return ::stat("/proc/self/ns/net", &ours) == 0 && ::stat("/proc/1/ns/net", &of_first) == 0 &&
           ours.st_ino == of_first.st_ino && ours.st_dev == of_first.st_dev;
}

bool start_by_the_unit() {
    if (!is_the_hosts_network() || ::access("/run/systemd/system", F_OK) < 0)
        return false;
    return run_program({"systemctl", "--quiet", "start", unit}).status == 0;
}

// Not a child of whoever asks, in none of its sessions, with none of its descriptors.
[[noreturn]] void become_a_daemon(int ready) {
    ::setsid();
    if (::fork() != 0)
        ::_exit(0);
    const int nowhere = ::open("/dev/null", O_RDWR);
    ::dup2(nowhere, STDIN_FILENO);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::dup2(ready, ready_descriptor);
    sys::close_range(ready_descriptor + 1, ~0U, 0);
    (void)::chdir("/");
    ::umask(022);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const std::string program = own_path().string();
    ::execl(program.c_str(), "machinist-gateway", "--serve-apart", nullptr);
    ::_exit(127);
}

int start_a_process() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw system_failure("make a pipe");
    const UniqueFd ready{ends[0]};
    UniqueFd told{ends[1]};
    const pid_t child = ::fork();
    if (child < 0)
        throw system_failure("start a process");
    if (child == 0)
        become_a_daemon(told.get());
    told.reset();
    // One byte once it listens; the end of the pipe without one if it does not come to that.
    char byte = 0;
    ssize_t count = 0;
    do
        count = ::read(ready.get(), &byte, 1);
    while (count < 0 && errno == EINTR);
    return count == 1 ? 0 : 1;
}

void end_left_name_servers(const std::filesystem::path& directory) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{directory / "links", ignored})
        end_left_name_server(entry.path());
    std::filesystem::remove_all(directory / "links", ignored);
}

void clean_up(const std::filesystem::path& directory, const NftNames& names) {
    end_left_name_servers(directory);
    NftSession nft;
    nft.apply(nft_ruleset({}, names));
    ForwardingSwitches{directory / "switches"}.turn_back(std::filesystem::exists(directory / "switches") &&
                                                         others_translate_addresses(nft.list_ruleset(), names.table));
}

void remove_files(const std::filesystem::path& directory) {
    for (const char* name : {"facts.json", "socket", "lock"})
        (void)::unlink((directory / name).c_str());
    (void)::rmdir(directory.c_str());
}

// ready: of start_a_process()
void tell_ready(UniqueFd& ready) {
    (void)::sd_notify(0, "READY=1");
    if (ready && ::write(ready.get(), "r", 1) < 0)
        log_debug("who had us started has gone");
    ready.reset();
}

int serve(UniqueFd ready) {
    const std::filesystem::path directory = gateway_directory();
    const auto lock = take_the_place(directory);
    if (!lock) {
        tell_ready(ready);
        return 0;
    }
    const NftNames names = nft_names_of_environment();
    EventLoop loop;
    // What one before us left is not to be met by what we start.
    end_left_name_servers(directory);
    {
        const GatewayServer* server = nullptr;
        EventSource leaving;
        bool served = false;
        Gateway gateway{loop, directory, names, [&] {
                            if (served && server->is_idle())
                                leaving = loop.soon([&] { loop.exit(0); });
                        }};
        gateway.adopt_machines();
        const GatewayServer listening{loop, gateway, directory, [&] {
                                          served = true;
                                          if (gateway.is_idle())
                                              leaving = loop.soon([&] { loop.exit(0); });
                                      }};
        server = &listening;
        // Nobody asks if whoever had us started has been killed.
        const EventSource impatience = loop.after(std::chrono::seconds{10}, [&] {
            served = true;
            if (gateway.is_idle() && listening.is_idle())
                loop.exit(0);
        });
        const EventSource terminated = loop.on_signal(SIGTERM, [&] { loop.exit(0); });
        const EventSource interrupted = loop.on_signal(SIGINT, [&] { loop.exit(0); });
        tell_ready(ready);
        (void)loop.run();
        (void)::sd_notify(0, "STOPPING=1");
    }
    clean_up(directory, names);
    remove_files(directory);
    return 0;
}

} // namespace

int serve_machines() {
    return serve({});
}

int serve_apart() {
    return serve(UniqueFd{ready_descriptor});
}

int start_serving() {
    return start_by_the_unit() ? 0 : start_a_process();
}

int collect_leftovers() {
    const std::filesystem::path directory = gateway_directory();
    if (::access(directory.c_str(), F_OK) < 0)
        return 0;
    const auto lock = take_the_place(directory);
    if (!lock)
        return 0;
    clean_up(directory, nft_names_of_environment());
    remove_files(directory);
    return 0;
}

} // namespace machinist
