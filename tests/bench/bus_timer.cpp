// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures whoever owns org.freedesktop.machine1, as one client that asks for one thing after the other.
//   bus_timer hold MOST           creates machines until one is refused: prints {"held": N, "refusal": "..."}
//   bus_timer grow N... [-- COMMAND...]   at each number of machines: medians of the calls, milliseconds of the
//                                 command, and what the daemon has for itself
// Every machine is a scope with one sleeping process of ours.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* service = "org.freedesktop.machine1";
constexpr const char* object = "/org/freedesktop/machine1";
constexpr const char* manager = "org.freedesktop.machine1.Manager";
constexpr const char* systemd = "org.freedesktop.systemd1";
constexpr const char* systemd_manager = "org.freedesktop.systemd1.Manager";
constexpr int newest = 50; // creations that a median is of
constexpr int questions = 100;

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void check(int result, const sd_bus_error& error, const char* what) {
    if (result < 0)
        throw Refused{std::string{what} + ": " + (error.message ? error.message : std::strerror(-result))};
}

double milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

class Machines {
public:
    Machines() {
        check(sd_bus_open_system(&bus_), {}, "connect");
        // Not of the machines that it makes: who serves has been started by it.
        (void)ask("ListMachines");
    }
    Machines(const Machines&) = delete;
    Machines& operator=(const Machines&) = delete;
    ~Machines() {
        for (const pid_t leader : leaders_)
            ::kill(leader, SIGKILL);
        while (::wait(nullptr) > 0)
            continue;
        sd_bus_flush_close_unref(bus_);
    }

    // Returns how long it took.
    double create() {
        const pid_t leader = start_leader();
        const std::string name = "bench-" + std::to_string(++count_);
        const auto begin = Clock::now();
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message* reply = nullptr;
        const int result =
            sd_bus_call_method(bus_, service, object, manager, "CreateMachine", &error, &reply, "sayssusa(sv)",
                               name.c_str(), 0, "bench", "container", static_cast<unsigned>(leader), "", 0);
        check(result, error, "CreateMachine");
        const double taken = milliseconds_since(begin);
        sd_bus_message_unref(reply);
        return taken;
    }
    // The same scope asked of systemd itself: what nobody who makes one can be faster than.
    double create_scope() {
        const pid_t leader = start_leader();
        const std::string unit = "machine-bare-" + std::to_string(leaders_.size()) + ".scope";
        if (!listening_) {
            check(sd_bus_match_signal(bus_, nullptr, systemd, nullptr, systemd_manager, "JobRemoved", on_job_removed,
                                      this),
                  {}, "listen");
            listening_ = true;
        }
        awaited_ = unit;
        const auto begin = Clock::now();
        sd_bus_error error = SD_BUS_ERROR_NULL;
        check(sd_bus_call_method(bus_, systemd, "/org/freedesktop/systemd1", systemd_manager, "StartTransientUnit",
                                 &error, nullptr, "ssa(sv)a(sa(sv))", unit.c_str(), "fail", 4, "Slice", "s",
                                 "machine.slice", "Delegate", "b", 1, "CollectMode", "s", "inactive-or-failed", "PIDs",
                                 "au", 1, static_cast<unsigned>(leader), 0),
              error, "StartTransientUnit");
        while (!awaited_.empty())
            if (sd_bus_process(bus_, nullptr) == 0)
                (void)sd_bus_wait(bus_, UINT64_MAX);
        return milliseconds_since(begin);
    }
    double ask(const char* member, const char* name = nullptr) {
        const auto begin = Clock::now();
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message* reply = nullptr;
        const int result = name ? sd_bus_call_method(bus_, service, object, manager, member, &error, &reply, "s", name)
                                : sd_bus_call_method(bus_, service, object, manager, member, &error, &reply, "");
        check(result, error, member);
        sd_bus_message_unref(reply);
        return milliseconds_since(begin);
    }
    [[nodiscard]] std::size_t count() const {
        return count_;
    }
    // Kilobytes that are the daemon's alone.
    long private_memory() {
        sd_bus_creds* who = nullptr;
        check(sd_bus_get_name_creds(bus_, service, SD_BUS_CREDS_PID, &who), {}, "find the daemon");
        pid_t pid = 0;
        (void)sd_bus_creds_get_pid(who, &pid);
        sd_bus_creds_unref(who);
        std::ifstream lines{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
        long total = 0;
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("Private_"))
                total += std::atol(line.substr(line.find(':') + 1).c_str());
        return total;
    }

private:
    pid_t start_leader() {
        const pid_t leader = ::fork();
        if (leader == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                ::pause();
        }
        leaders_.push_back(leader);
        return leader;
    }
    static int on_job_removed(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
        const char* unit = nullptr;
        auto& awaited = static_cast<Machines*>(self)->awaited_;
        if (sd_bus_message_read(message, "uoss", nullptr, nullptr, &unit, nullptr) >= 0 && awaited == unit)
            awaited.clear();
        return 0;
    }

    sd_bus* bus_ = nullptr;
    std::vector<pid_t> leaders_;
    std::size_t count_ = 0;
    std::string awaited_; // the unit whose job has not ended
    bool listening_ = false;
};

double run(char** command) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/tmp/bus_timer.output", O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    const auto begin = Clock::now();
    pid_t pid = 0;
    if (::posix_spawnp(&pid, command[0], &actions, nullptr, command, environ) != 0)
        throw Refused{"the command cannot be started"};
    int status = 0;
    ::waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0)
        throw Refused{"the command failed"};
    return milliseconds_since(begin);
}

void grow(Machines& machines, std::size_t wanted, char** command) {
    std::vector<double> creations;
    while (machines.count() < wanted)
        creations.push_back(machines.create());
    if (creations.size() > newest)
        creations.erase(creations.begin(), creations.end() - newest);
    std::vector<double> lists;
    std::vector<double> gets;
    for (int at = 0; at < questions; ++at) {
        lists.push_back(machines.ask("ListMachines"));
        gets.push_back(machines.ask("GetMachine", "bench-1"));
    }
    std::vector<double> scopes;
    for (int at = 0; at < newest; ++at)
        scopes.push_back(machines.create_scope());
    std::vector<double> commands;
    for (int at = 0; command != nullptr && at < 3; ++at)
        commands.push_back(run(command));
    std::printf(
        "{\"machines\": %zu, \"create\": %.4f, \"scope\": %.4f, \"list\": %.4f, \"get\": %.4f, \"command\": %.3f, "
        "\"memory\": %ld}\n",
        machines.count(), median(creations), median(scopes), median(lists), median(gets),
        commands.empty() ? 0 : *std::min_element(commands.begin(), commands.end()), machines.private_memory());
    std::fflush(stdout);
}

void hold(Machines& machines, std::size_t most) {
    std::string refusal;
    std::size_t held = 0;
    try {
        for (; held < most; ++held)
            (void)machines.create();
    } catch (const Refused& refused) {
        refusal = refused.what();
        std::erase_if(refusal, [](char letter) { return letter == '"' || letter == '\\' || letter == '\n'; });
    }
    std::printf("{\"held\": %zu, \"refusal\": \"%s\"}\n", held, refusal.c_str());
}

} // namespace

int main(int count, char** words) {
    try {
        const std::string task = count > 2 ? words[1] : "";
        if (task != "hold" && task != "grow") {
            std::fputs("usage: bus_timer hold MOST | grow N... [-- COMMAND...]\n", stderr);
            return 2;
        }
        Machines machines;
        if (task == "hold") {
            hold(machines, std::strtoul(words[2], nullptr, 10));
            return 0;
        }
        int end = 2;
        while (end < count && std::strcmp(words[end], "--") != 0)
            ++end;
        std::printf("{\"machines\": 0, \"memory\": %ld}\n", machines.private_memory());
        for (int at = 2; at < end; ++at)
            grow(machines, std::strtoul(words[at], nullptr, 10), end + 1 < count ? words + end + 1 : nullptr);
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "bus_timer: %s\n", problem.what());
        return 1;
    }
}
