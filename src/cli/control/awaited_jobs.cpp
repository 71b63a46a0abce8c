// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/awaited_jobs.hpp"

#include "base/failure.hpp"

#include <csignal>

namespace machinist {

namespace {

constexpr const char* job_interface = "io.machinist.Job1";
// A service that was started anew tells of no end that came meanwhile.
constexpr std::chrono::seconds between_looks{5};
// Signals wake nobody who waits for the bus.
constexpr std::chrono::milliseconds between_signals{200};

volatile std::sig_atomic_t was_interrupted = 0;

// As long as it lives they are noted and nothing else.
class NotedSignals {
public:
    NotedSignals() {
        was_interrupted = 0;
        struct sigaction action {};
        action.sa_handler = [](int) { was_interrupted = 1; };
        ::sigaction(SIGINT, &action, &interrupt_);
        ::sigaction(SIGTERM, &action, &terminate_);
    }
    NotedSignals(const NotedSignals&) = delete;
    NotedSignals& operator=(const NotedSignals&) = delete;
    ~NotedSignals() {
        ::sigaction(SIGINT, &interrupt_, nullptr);
        ::sigaction(SIGTERM, &terminate_, nullptr);
    }

private:
    struct sigaction interrupt_ {};
    struct sigaction terminate_ {};
};

template <typename T>
T value_in(const NamedValues& values, const char* name) {
    const auto found = values.find(name);
    const T* held = found == values.end() ? nullptr : std::get_if<T>(&found->second);
    return held == nullptr ? T{} : *held;
}

} // namespace

AwaitedJobs::AwaitedJobs(ServiceClient& client)
    : client_(client),
      slot_(client.bus().match(std::string{"type='signal',sender='"} + our_service + "',interface='" + job_interface +
                                   "',member='Finished'",
                               [this](sd_bus_message* message) { ended_.insert(sd_bus_message_get_path(message)); })) {}

NamedValues AwaitedJobs::properties_of(const std::string& job) {
    NamedValues values;
    client_.ask(
        {our_service, job.c_str(), "org.freedesktop.DBus.Properties", "GetAll"},
        [](sd_bus_message* message) { wire::put(message, std::string{job_interface}); },
        [&](const Answer& answer) { values = answer.take<NamedValues>(); });
    return values;
}

JobEnd AwaitedJobs::wait(const std::string& job) {
    using Clock = std::chrono::steady_clock;
    const NotedSignals noted;
    bool canceled = false;
    for (auto next_look = Clock::now() + between_looks; !ended_.contains(job);) {
        (void)client_.wait_until([&] { return ended_.contains(job); }, Clock::now() + between_signals);
        if (was_interrupted != 0 && !canceled) {
            canceled = true;
            client_.ask({our_service, job.c_str(), job_interface, "Cancel"}, {});
        }
        if (Clock::now() < next_look)
            continue;
        next_look = Clock::now() + between_looks;
        if (value_in<std::string>(properties_of(job), "State") != "running")
            break;
    }
    return look(job);
}

JobEnd AwaitedJobs::look(const std::string& job) {
    const NamedValues values = properties_of(job);
    return {.state = value_in<std::string>(values, "State"),
            .status = value_in<std::int32_t>(values, "ExitStatus"),
            .message = value_in<std::string>(values, "Message")};
}

} // namespace machinist
