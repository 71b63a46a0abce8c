// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/stub_init.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "kernel/syscalls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view process_name = "(sd-stubinit)";
constexpr int status_killed = 255;

enum class Wish { none, power_off, reboot };

// SIGRTMIN is a function in disguise, so no switch.
Wish wish_of(int signal) {
    for (const int offset : {3, 4, 13, 14})
        if (signal == SIGRTMIN + offset)
            return Wish::power_off;
    for (const int offset : {5, 6, 15, 16})
        if (signal == SIGRTMIN + offset)
            return Wish::reboot;
    return signal == SIGINT ? Wish::reboot : Wish::none;
}

struct Area {
    char* begin = nullptr;
    char* end = nullptr;
};
struct ShownAreas {
    Area arguments;
    Area environment;
};

// Where procfs reads cmdline and environ from: fields 48 to 51 of /proc/self/stat, counted behind the name.
ShownAreas find_shown_areas() {
    std::array<char, 2048> text{};
    const UniqueFd file{::open("/proc/self/stat", O_RDONLY | O_CLOEXEC)};
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size() - 1) : 0;
    const char* behind_name = size > 0 ? std::strrchr(text.data(), ')') : nullptr;
    if (behind_name == nullptr)
        return {};
    std::istringstream fields{behind_name + 1};
    std::string skipped;
    for (int field = 3; field < 48; ++field)
        fields >> skipped;
    std::array<std::uintptr_t, 4> places{};
    for (std::uintptr_t& place : places)
        if (!(fields >> place) || place == 0)
            return {};
    const auto area = [&](std::size_t first) {
        return Area{reinterpret_cast<char*>(places[first]), reinterpret_cast<char*>(places[first + 1])};
    };
    return {area(0), area(2)};
}

void clear(Area area) {
    if (area.begin < area.end)
        std::memset(area.begin, 0, static_cast<std::size_t>(area.end - area.begin));
}

// The launcher's command line and its caller's environment are nobody's business in the machine; what detection
// tools look for in process 1's environment is.
void show(const std::vector<std::string>& environment) {
    ::prctl(PR_SET_NAME, process_name.data());
    const ShownAreas areas = find_shown_areas();
    clear(areas.arguments);
    clear(areas.environment);
    // As much as there is room for; the zero behind it must stay.
    const auto room = static_cast<std::size_t>(areas.arguments.end - areas.arguments.begin);
    if (room > 1)
        std::memcpy(areas.arguments.begin, process_name.data(), std::min(process_name.size(), room - 1));
    char* place = areas.environment.begin;
    for (const std::string& variable : environment) {
        if (place + variable.size() + 1 > areas.environment.end)
            continue;
        std::memcpy(place, variable.c_str(), variable.size() + 1);
        place += variable.size() + 1;
    }
}

// The command's pipes and the launcher's handshake must end with the command, not with us.
void let_go_of_descriptors() {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int number = 0; number <= 2 && nowhere > 2; ++number)
        ::dup2(nowhere, number);
    sys::close_range(3, ~0U, 0);
}

class StubInit {
public:
    StubInit(pid_t command, std::chrono::milliseconds patience) : command_(command), patience_(patience) {}

    [[noreturn]] void run() {
        for (;;) {
            reap();
            const int signal = wait_for_signal();
            if (signal == 0)
                finish(status_killed);
            else if (signal != SIGCHLD && wish_ == Wish::none && wish_of(signal) != Wish::none)
                end_command(wish_of(signal));
        }
    }

private:
    void reap() const {
        for (;;) {
            siginfo_t one{};
            if (::waitid(P_ALL, 0, &one, WEXITED | WNOHANG) < 0 || one.si_pid == 0)
                return;
            if (one.si_pid == command_)
                finish(one.si_code == CLD_EXITED ? one.si_status : status_killed);
        }
    }

    // 0 once the time is up.
    [[nodiscard]] int wait_for_signal() const {
        sigset_t all;
        ::sigfillset(&all);
        siginfo_t information{};
        if (wish_ == Wish::none)
            // Interrupted (by a debugger, say): as a child's end, look and wait again.
            return ::sigwaitinfo(&all, &information) > 0 ? information.si_signo : SIGCHLD;
        const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline_ - Clock::now()).count();
        if (left <= 0)
            return 0;
        const timespec time{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
        if (::sigtimedwait(&all, &information, &time) > 0)
            return information.si_signo;
        return errno == EAGAIN ? 0 : SIGCHLD;
    }

    // Shells ignore SIGTERM but heed SIGHUP; SIGCONT, because a stopped one hears neither.
    void end_command(Wish wish) {
        wish_ = wish;
        deadline_ = Clock::now() + patience_;
        for (const int signal : {SIGTERM, SIGCONT, SIGHUP})
            ::kill(command_, signal);
    }

    [[noreturn]] void finish(int status) const {
        // Without CAP_SYS_BOOT it returns; the exit status must do then.
        if (wish_ != Wish::none)
            ::reboot(wish_ == Wish::reboot ? RB_AUTOBOOT : RB_POWER_OFF);
        ::_exit(status);
    }

    pid_t command_;
    std::chrono::milliseconds patience_;
    Wish wish_ = Wish::none;
    Clock::time_point deadline_;
};

} // namespace

void continue_below_stub_init(const std::vector<std::string>& environment, std::chrono::milliseconds patience) {
    sigset_t all;
    sigset_t found;
    ::sigfillset(&all);
    // Before there is a child: its end must not be lost, and what arrives meanwhile waits.
    ::sigprocmask(SIG_SETMASK, &all, &found);
    const pid_t command = ::fork();
    if (command < 0)
        throw system_failure("make process 2");
    if (command == 0) {
        ::sigprocmask(SIG_SETMASK, &found, nullptr);
        if (::setsid() < 0)
            throw system_failure("make a session for process 2");
        return;
    }
    // An ignored signal is dropped even while it is blocked, and an ignored SIGCHLD leaves nothing to wait for.
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    let_go_of_descriptors();
    show(environment);
    StubInit{command, patience}.run();
}

} // namespace machinist
