// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/waiting.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/entering.hpp"
#include "cli/control/process_tree.hpp"
#include "registry/machine_facts.hpp"
#include "registry/machine_watch.hpp"
#include "registry/run_directory_view.hpp"
#include "registry/silent_boot.hpp"
#include "spec/orderly_end.hpp"

#include <algorithm>
#include <cstdio>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto end_of_lock = 50ms;    // that a lock is given up wakes nobody
constexpr auto end_of_opening = 5ms;  // nor that a payload was executed
constexpr auto first_attempt = 100ms; // between attempts to execute a command; each waits longer
constexpr auto between_looks = 100ms; // at a machine that does not tell
constexpr auto longest_attempt = 1s;
constexpr double longest_command = 60; // seconds

class Waiter {
public:
    Waiter(const MachineStore& machines, const Waiting& waiting)
        : machines_(machines),
          waiting_(waiting),
          pending_(waiting.names),
          watch_(machines.places(), texts_of(waiting.names)) {
        if (waiting.deadline && waiting.at_half_time)
            half_time_ = Clock::now() + (*waiting.deadline - Clock::now()) / 2;
    }

    std::vector<MachineName> wait() {
        while (true) {
            held_.clear();
            next_look_ = waiting_.deadline;
            std::erase_if(pending_, [&](const MachineName& name) { return has_happened(name); });
            const auto now = Clock::now();
            if (pending_.empty() || (waiting_.deadline && now >= *waiting_.deadline))
                return std::move(pending_);
            if (half_time_ && now >= *half_time_) {
                waiting_.at_half_time(pending_);
                half_time_.reset();
            }
            look_again_at(half_time_);
            std::vector<BorrowedFd> processes;
            for (const Machine& machine : held_)
                processes.push_back(machine.leader.descriptor());
            (void)watch_.wait(processes, next_look_);
        }
    }

private:
    static std::vector<std::string> texts_of(const std::vector<MachineName>& names) {
        std::vector<std::string> texts;
        for (const MachineName& name : names)
            texts.push_back(name.text());
        return texts;
    }

    void look_again_at(std::optional<Clock::time_point> time) {
        if (time && (!next_look_ || *time < *next_look_))
            next_look_ = time;
    }

    [[nodiscard]] bool is_kept(const MachineName& name) const {
        const auto view = RunDirectoryView::open(machines_.places().run_directories / name.text());
        return view && view->is_kept();
    }

    bool has_happened(const MachineName& name) {
        auto machine = machines_.find(name);
        if (!machine)
            return without_machine(name);
        seen_[name.text()] = true;
        if (machine->opening)
            look_again_at(Clock::now() + end_of_opening);
        else if (with_machine(*machine))
            return true;
        held_.push_back(std::move(*machine));
        return false;
    }

    bool without_machine(const MachineName& name) {
        // Kept: it starts, starts again or is being undone.
        const bool kept = is_kept(name);
        if (waiting_.goal == Goal::removed && !kept)
            return true;
        if (kept)
            look_again_at(Clock::now() + end_of_lock);
        else if (seen_[name.text()] || waiting_.goal == Goal::restarted)
            throw Failure{FailureKind::not_found, "machine '" + name.text() + "' has ended"};
        return false;
    }

    bool with_machine(const Machine& machine) {
        switch (waiting_.goal) {
        case Goal::running: return true;
        case Goal::ready: return machine.is_ready() || is_silently_ready(machine);
        case Goal::executes: return command_succeeds(machine);
        case Goal::removed: return false;
        case Goal::restarted: return machine.leader.pid() != waiting_.leaders_before.at(machine.name());
        }
        return false;
    }

    // Those that do not tell are looked at, twice: see looks_booted().
    bool is_silently_ready(const Machine& machine) {
        const std::string init = refuse_to_wait_for_ready(machine);
        if (!is_silent_init(init))
            return false;
        const auto now = Clock::now();
        look_again_at(now + between_looks);
        if (!looks_booted(machine, init)) {
            booted_since_.erase(machine.name());
            return false;
        }
        return now - booted_since_.try_emplace(machine.name(), now).first->second >= 2 * between_looks;
    }

    // The kind of init of one that boots and does not tell; else nothing.
    static std::string refuse_to_wait_for_ready(const Machine& machine) {
        const auto never = [&](const std::string& why) {
            throw Failure{FailureKind::not_supported, "wait until machine '" + machine.name() + "' is ready: " + why}
                .try_instead("--for=running, or --for=exec=COMMAND");
        };
        if (machine.run_directory.empty())
            never("another manager keeps it, who does not pass on what it tells");
        if (machine.spec && machine.spec->payload.mode != StartMode::boot && !machine.spec->notify_ready)
            never("it runs a command and no init");
        if (machine.spec && machine.spec->payload.mode == StartMode::boot && machine.notifications.empty()) {
            const std::string init =
                read_machine_facts(machine, {.os_release = false, .addresses = false, .init = true}).init;
            if (!init.empty() && init != "systemd" && !is_silent_init(init))
                never("its init (" + init + ") does not tell");
            return init;
        }
        return {};
    }

    bool command_succeeds(const Machine& machine) {
        Entry entry{.seconds = longest_command, .command = {"/bin/sh", "-c", waiting_.command}};
        if (waiting_.deadline)
            entry.seconds = std::clamp(std::chrono::duration<double>(*waiting_.deadline - Clock::now()).count(), 0.001,
                                       longest_command);
        if (run_entry(machine, entry, machines_.places()).status == 0)
            return true;
        look_again_at(Clock::now() + between_attempts_);
        between_attempts_ = std::min<Clock::duration>(between_attempts_ * 3 / 2, longest_attempt);
        return false;
    }

    const MachineStore& machines_;
    const Waiting& waiting_;
    std::vector<MachineName> pending_;
    MachineWatch watch_;
    std::map<std::string, bool> seen_;
    std::vector<Machine> held_;
    std::optional<Clock::time_point> next_look_;
    std::optional<Clock::time_point> half_time_;
    std::map<std::string, Clock::time_point> booted_since_;
    Clock::duration between_attempts_ = first_attempt;
};

} // namespace

std::vector<MachineName> wait_until_all(const MachineStore& machines, const Waiting& waiting) {
    return Waiter{machines, waiting}.wait();
}

std::string what_is_queued_in(const Machine& machine, const Places& places) {
    const Entry entry{.seconds = 10, .command = {"systemctl", "list-jobs", "--no-pager"}};
    if (!machine.opening && (!machine.spec || machine.spec->payload.mode == StartMode::boot)) {
        const EntryResult result = run_entry(machine, entry, places);
        if (result.status == 0) {
            std::string text;
            for (const std::string_view line : split(result.output, '\n'))
                text.append(line.empty() ? "" : "  ").append(escaped_for_people(line)).append("\n");
            return text;
        }
    }
    return process_tree(machine, "  ");
}

void tell_what_is_queued(const MachineStore& machines, const std::vector<MachineName>& names, const std::string& what) {
    for (const MachineName& name : names) {
        const auto machine = machines.find(name);
        if (!machine) {
            std::fprintf(stderr, "machinist: No machine '%s' known\n", name.text().c_str());
            continue;
        }
        std::string queued;
        try {
            queued = what_is_queued_in(*machine, machines.places());
        } catch (const Failure& failure) {
            queued = std::string{"  ("} + failure.what() + ")\n";
        }
        std::fprintf(stderr, "machinist: machine '%s' %s; still at work in it:\n%s", name.text().c_str(), what.c_str(),
                     queued.c_str());
    }
}

} // namespace machinist
