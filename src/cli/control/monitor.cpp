// SPDX-License-Identifier: LGPL-2.1-or-later
// `monitor`: what happens to machines and jobs, a line each, as it happens.
#include "base/failure.hpp"
#include "cli/control/event_text.hpp"
#include "cli/control/service_client.hpp"
#include "cli/control/verbs.hpp"
#include "registry/machine_watch.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds before_next_attempt{1000};

// Lines leave at once. Tells when nobody reads any more, or the person has had enough.
class Output {
public:
    explicit Output(const Invocation& call)
        : words_(call.output == OutputMode::text && (::isatty(STDOUT_FILENO) || call.journal_output == "short")) {
        ::signal(SIGPIPE, SIG_IGN);
        sigset_t enough;
        ::sigemptyset(&enough);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP})
            ::sigaddset(&enough, signal);
        ::sigprocmask(SIG_BLOCK, &enough, nullptr);
        enough_ = UniqueFd{::signalfd(-1, &enough, SFD_CLOEXEC | SFD_NONBLOCK)};
        if (!enough_)
            throw system_failure("listen to signals");
    }

    void print(const Event& event) {
        const std::string line = (words_ ? event.words : event.json) + "\n";
        if (std::fputs(line.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
            over_ = true;
    }
    [[nodiscard]] bool is_over() {
        pollfd all[]{{.fd = enough_.get(), .events = POLLIN, .revents = 0},
                     {.fd = STDOUT_FILENO, .events = 0, .revents = 0}};
        over_ = over_ || ::poll(all, 2, 0) > 0;
        return over_;
    }
    // Either becoming ready is an end.
    [[nodiscard]] std::vector<pollfd> descriptors() const {
        return {{.fd = enough_.get(), .events = POLLIN, .revents = 0},
                {.fd = STDOUT_FILENO, .events = 0, .revents = 0}};
    }
    // Readable when it is over.
    [[nodiscard]] std::vector<BorrowedFd> ends() const {
        std::vector<BorrowedFd> ends{enough_};
        struct stat status {};
        // A terminal is readable for other reasons, too.
        if (::fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode))
            ends.emplace_back(STDOUT_FILENO);
        return ends;
    }

private:
    bool words_;
    bool over_ = false;
    UniqueFd enough_;
};

using States = std::map<std::string, std::string>;

// What changed while nobody told.
void print_differences(Output& output, const States& before, const States& now) {
    for (const auto& [name, state] : before)
        if (!now.contains(name))
            output.print(event_of_machine(name, "MachineRemoved", ""));
    for (const auto& [name, state] : now) {
        const auto found = before.find(name);
        if (found == before.end())
            output.print(event_of_machine(name, "MachineNew", state));
        else if (!state.empty() && found->second != state)
            output.print(event_of_machine(name, "PropertiesChanged", state));
    }
}

class BusMonitor {
public:
    // known: what was there when somebody last looked, if anybody did.
    BusMonitor(const Invocation& call, Output& output, std::optional<States>& known)
        : client_(call), output_(output), known_(known) {
        sd_bus* bus = client_.bus().raw();
        slots_.push_back(client_.bus().match("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop."
                                             "DBus',member='NameOwnerChanged',path='/org/freedesktop/DBus'",
                                             [this](sd_bus_message* message) { owner_changed(message); }));
        for (const char* name : {machine1_service, our_service, "org.freedesktop.import1"})
            slots_.push_back(client_.bus().match(std::string{"type='signal',sender='"} + name + "'",
                                                 [this, name](sd_bus_message* message) { tell(name, message); }));
        wire::written(sd_bus_flush(bus));
    }

    // False if nobody keeps a list of machines.
    bool begin() {
        const bool served = look_at_list();
        for (const char* name : {machine1_service, our_service, "org.freedesktop.import1"})
            try {
                client_.ask(
                    {"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner"},
                    [&](sd_bus_message* message) { wire::put(message, std::string{name}); },
                    [&](const Answer& answer) { owners_[name] = answer.take<std::string>(); });
            } catch (const Failure&) {
                owners_[name] = "";
            }
        return served;
    }

    // Until the output is over; throws Failure if the bus goes.
    void run() {
        sd_bus* bus = client_.bus().raw();
        while (!output_.is_over()) {
            while (client_.bus().process_one())
                continue;
            if (came_back_) {
                came_back_ = false;
                (void)look_at_list();
                continue;
            }
            if (sd_bus_is_open(bus) <= 0)
                throw Failure{FailureKind::system, "the bus has gone"};
            wait(bus);
        }
    }

private:
    void wait(sd_bus* bus) const {
        std::vector<pollfd> all = output_.descriptors();
        std::uint64_t until = UINT64_MAX;
        wire::written(sd_bus_get_timeout(bus, &until));
        all.push_back({.fd = sd_bus_get_fd(bus), .events = static_cast<short>(sd_bus_get_events(bus)), .revents = 0});
        const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
        constexpr std::uint64_t in_millisecond = 1000;
        const auto now_unsigned = static_cast<std::uint64_t>(now);
        const int milliseconds = until == UINT64_MAX ? -1
                                 : until <= now_unsigned
                                     ? 0
                                     : static_cast<int>((until - now_unsigned) / in_millisecond + 1);
        (void)::poll(all.data(), all.size(), milliseconds);
    }

    bool look_at_list() {
        using Row = std::tuple<std::string, std::string, std::string, ObjectPath>;
        std::vector<Row> rows;
        if (!client_.ask_if_served(of_manager("ListMachines"), {},
                                   [&](const Answer& answer) { rows = answer.take<std::vector<Row>>(); }))
            return false;
        States now;
        for (const Row& row : rows)
            if (std::get<0>(row) != ".host")
                now[std::get<0>(row)] = "";
        if (known_)
            print_differences(output_, *known_, now);
        known_ = std::move(now);
        return true;
    }

    // One connection may have several of the names; then each of its signals comes by each of them.
    void tell(const std::string& name, sd_bus_message* message) {
        const std::string sender = sd_bus_message_get_sender(message) ? sd_bus_message_get_sender(message) : "";
        for (const char* other : {machine1_service, our_service, "org.freedesktop.import1"}) {
            if (other == name)
                break;
            if (owners_[other] == sender)
                return;
        }
        // Each machine and job has signals of its own for what these tell of its object.
        if (std::string_view{sd_bus_message_get_interface(message)} == "org.freedesktop.DBus.ObjectManager")
            return;
        const std::string member = sd_bus_message_get_member(message);
        if (member == "MachineNew" || member == "MachineRemoved") {
            const auto machine = wire::get<std::string>(message);
            const bool is_new = member == "MachineNew";
            // Without a list yet; and what the list has told already is not told again.
            if (!known_ || is_new == known_->contains(machine))
                return;
            if (is_new)
                (*known_)[machine] = "";
            else
                known_->erase(machine);
            wire::read(sd_bus_message_rewind(message, 1));
        }
        output_.print(event_of_signal(message));
    }

    void owner_changed(sd_bus_message* message) {
        const auto name = wire::get<std::string>(message);
        const auto before = wire::get<std::string>(message);
        const auto now = wire::get<std::string>(message);
        if (name != machine1_service && name != our_service && name != "org.freedesktop.import1")
            return;
        owners_[name] = now;
        if (before.empty() != now.empty())
            output_.print(event_of_service(name, !now.empty()));
        if (name == machine1_service && !now.empty())
            came_back_ = true;
    }

    ServiceClient client_;
    Output& output_;
    std::optional<States>& known_;
    std::map<std::string, std::string> owners_;
    std::vector<BusSlot> slots_;
    bool came_back_ = false;
};

States states_of(const MachineStore& machines) {
    States states;
    for (const Machine& machine : machines.list())
        states[machine.name()] = machine.state();
    return states;
}

// Where there is no service: by the files of machines and the end of their leaders.
void monitor_files(Output& output, const MachineStore& machines) {
    constexpr std::chrono::milliseconds end_of_opening{20};
    MachineWatch watch{machines.places(), {}};
    States known = states_of(machines);
    while (!output.is_over()) {
        const std::vector<Machine> all = machines.list();
        std::vector<BorrowedFd> ends = output.ends();
        std::optional<Clock::time_point> look_again;
        std::vector<std::string> names;
        for (const Machine& machine : all) {
            ends.push_back(machine.leader.descriptor());
            names.push_back(machine.name());
            if (machine.opening)
                look_again = Clock::now() + end_of_opening;
        }
        States now;
        for (const Machine& machine : all)
            now[machine.name()] = machine.state();
        print_differences(output, known, now);
        known = std::move(now);
        watch.watch(std::move(names));
        (void)watch.wait(ends, look_again);
    }
}

} // namespace

int monitor_machines(const Invocation& call, const MachineStore& machines) {
    Output output{call};
    std::optional<States> known;
    for (bool first = true; !output.is_over(); first = false) {
        try {
            BusMonitor monitor{call, output, known};
            const bool served = monitor.begin();
            if (!served && first && !call.is_remote()) {
                monitor_files(output, machines);
                break;
            }
            monitor.run();
        } catch (const Failure& failure) {
            if (call.is_remote())
                throw;
            if (first && !ServiceClient::connect_if_there(call)) {
                monitor_files(output, machines);
                break;
            }
            // A bus that is started anew takes a moment.
            std::vector<pollfd> ends = output.descriptors();
            (void)::poll(ends.data(), ends.size(), static_cast<int>(before_next_attempt.count()));
        }
    }
    return EXIT_SUCCESS;
}

} // namespace machinist
