// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/scope.hpp"

#include "base/failure.hpp"
#include "scope/unit_property.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr auto longest_job = seconds{60};
// The group of a machine that has just ended is empty at once, but systemd hears of that by and by.
constexpr auto time_to_notice = seconds{2};
constexpr auto longest_take_over = seconds{10};
constexpr auto look_again = std::chrono::milliseconds{10};

constexpr const char* systemd = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";

Member manager_method(const char* name) {
    return {.destination = systemd, .path = manager_path, .interface = manager, .name = name};
}

// The ends of jobs, from before the first is asked for: a reply to StartTransientUnit may come after the job's end.
class JobEnds {
public:
    explicit JobEnds(const SystemBus& bus) : bus_(bus) {
        sd_bus_slot* slot = nullptr;
        // Not waited for: the bus reads our messages in their order.
        must(sd_bus_match_signal_async(bus.get(), &slot, systemd, manager_path, manager, "JobRemoved", note, nullptr,
                                       this),
             "listen for the ends of systemd's jobs");
        slot_.reset(slot);
    }
    JobEnds(const JobEnds&) = delete;
    JobEnds& operator=(const JobEnds&) = delete;

    std::string wait_for(const std::string& job) {
        const auto until = Clock::now() + longest_job;
        while (!results_.contains(job)) {
            const int processed = sd_bus_process(bus_.get(), nullptr);
            must(processed, "read from the system bus");
            if (processed > 0)
                continue;
            if (Clock::now() >= until)
                throw Failure{FailureKind::timed_out, "wait for systemd's job to start the scope"};
            must(sd_bus_wait(bus_.get(), 1'000'000), "wait for the system bus");
        }
        return results_[job];
    }

private:
    static int note(sd_bus_message* message, void* self, sd_bus_error*) {
        const char* path = nullptr;
        const char* result = nullptr;
        if (sd_bus_message_read(message, "uoss", nullptr, &path, nullptr, &result) >= 0)
            static_cast<JobEnds*>(self)->results_[path] = result;
        return 0;
    }

    struct Unref {
        void operator()(sd_bus_slot* slot) const {
            sd_bus_slot_unref(slot);
        }
    };
    const SystemBus& bus_;
    std::unique_ptr<sd_bus_slot, Unref> slot_;
    std::map<std::string, std::string> results_;
};

// One D-Bus variant with the signature that each type of value has.
struct AppendValue {
    sd_bus_message* message;

    int operator()(bool value) const {
        return sd_bus_message_append(message, "v", "b", static_cast<int>(value));
    }
    int operator()(std::int32_t value) const {
        return sd_bus_message_append(message, "v", "i", value);
    }
    int operator()(std::uint32_t value) const {
        return sd_bus_message_append(message, "v", "u", value);
    }
    int operator()(std::uint64_t value) const {
        return sd_bus_message_append(message, "v", "t", value);
    }
    int operator()(const std::string& value) const {
        return sd_bus_message_append(message, "v", "s", value.c_str());
    }
    int operator()(const UnitProperty::Words& words) const {
        return array("as", "s", [&] {
            for (const std::string& word : words)
                if (const int result = sd_bus_message_append(message, "s", word.c_str()); result < 0)
                    return result;
            return 0;
        });
    }
    int operator()(const UnitProperty::Pairs& pairs) const {
        return array("a(ss)", "(ss)", [&] {
            for (const auto& [first, second] : pairs)
                if (const int result = sd_bus_message_append(message, "(ss)", first.c_str(), second.c_str());
                    result < 0)
                    return result;
            return 0;
        });
    }
    int operator()(const UnitProperty::Amounts& amounts) const {
        return array("a(st)", "(st)", [&] {
            for (const auto& [path, amount] : amounts)
                if (const int result = sd_bus_message_append(message, "(st)", path.c_str(), amount); result < 0)
                    return result;
            return 0;
        });
    }
    int operator()(const std::vector<std::uint8_t>& bytes) const {
        return array("ay", "y", [&] {
            for (const std::uint8_t byte : bytes)
                if (const int result = sd_bus_message_append(message, "y", byte); result < 0)
                    return result;
            return 0;
        });
    }

    template <typename Elements>
    int array(const char* type, const char* element, Elements elements) const {
        int result = sd_bus_message_open_container(message, 'v', type);
        if (result >= 0)
            result = sd_bus_message_open_container(message, 'a', element);
        if (result >= 0)
            result = elements();
        if (result >= 0)
            result = sd_bus_message_close_container(message);
        return result < 0 ? result : sd_bus_message_close_container(message);
    }
};

void append_property(sd_bus_message* message, const UnitProperty& property) {
    must(sd_bus_message_open_container(message, 'r', "sv"), "write a property");
    must(sd_bus_message_append(message, "s", property.name.c_str()), "write a property");
    must(std::visit(AppendValue{message}, property.value), "write a property");
    must(sd_bus_message_close_container(message), "write a property");
}

BusMessage start_request(const SystemBus& bus, const UnitOrder& order, const std::vector<UnitProperty>& properties) {
    BusMessage request = bus.new_call(manager_method("StartTransientUnit"));
    sd_bus_message* message = request.get();
    must(sd_bus_message_append(message, "ss", order.scope.c_str(), "fail"), "write the request for a scope");
    must(sd_bus_message_open_container(message, 'a', "(sv)"), "write the request for a scope");
    must(sd_bus_message_append(message, "(sv)", "PIDs", "au", 2, static_cast<std::uint32_t>(order.launcher),
                               static_cast<std::uint32_t>(order.leader)),
         "write the request for a scope");
    for (const UnitProperty& property : properties)
        append_property(message, property);
    must(sd_bus_message_close_container(message), "write the request for a scope");
    must(sd_bus_message_append(message, "a(sa(sv))", 0), "write the request for a scope");
    return request;
}

std::string path_of_unit(const std::string& unit) {
    char* path = nullptr;
    must(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path), "make the path of a unit");
    const std::unique_ptr<char, decltype(&::free)> owned{path, &::free};
    return path;
}

std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

// The payload's part is what says whether a machine lives: in the supervisor's one a removal may still be at work.
bool machine_lives_in(const SystemBus& bus, const std::string& unit) {
    const std::string path = path_of_unit(unit);
    const auto group = bus.text_property({systemd, path.c_str(), "org.freedesktop.systemd1.Scope", "ControlGroup"});
    if (!group || group->empty())
        return false;
    const std::string directory = "/sys/fs/cgroup" + *group;
    return !text_of(directory + "/cgroup.procs").empty() ||
           text_of(directory + "/payload/cgroup.events").find("populated 1") != std::string::npos;
}

void end_remains(const SystemBus& bus, const std::string& unit) {
    const BusMessage kill = bus.new_call(manager_method("KillUnit"));
    must(sd_bus_message_append(kill.get(), "ssi", unit.c_str(), "all", SIGKILL), "write a message");
    (void)bus.call(kill);
    const BusMessage reset = bus.new_call(manager_method("ResetFailedUnit"));
    must(sd_bus_message_append(reset.get(), "s", unit.c_str()), "write a message");
    (void)bus.call(reset);
}

} // namespace

void start_scope(const SystemBus& bus, const UnitOrder& order) {
    std::vector<UnitProperty> properties;
    for (const std::string& assignment : order.properties)
        properties.push_back(parse_unit_property(assignment));
    JobEnds ends{bus};
    const auto began = Clock::now();
    for (;;) {
        const BusReply reply = bus.call(start_request(bus, order, properties));
        const auto waited = Clock::now() - began;
        if (reply.message) {
            const char* job = nullptr;
            must(sd_bus_message_read(reply.message.get(), "o", &job), "read which job starts the scope");
            const std::string result = ends.wait_for(job);
            if (result != "done")
                throw Failure{FailureKind::system, "start scope '" + order.scope + "': systemd's job has " + result};
            return;
        }
        if (reply.refused != "org.freedesktop.systemd1.UnitExists")
            throw Failure{FailureKind::system,
                          "start scope '" + order.scope +
                              "': " + (reply.reason.empty() ? strerrordesc_np(reply.error_number) : reply.reason)};
        if (waited >= longest_take_over || machine_lives_in(bus, order.scope))
            throw Failure{FailureKind::already_exists, "start scope '" + order.scope + "': that unit already exists"}
                .try_instead("another --machine=NAME, or 'systemctl stop " + order.scope + "' first");
        if (waited >= time_to_notice)
            end_remains(bus, order.scope);
        std::this_thread::sleep_for(look_again);
    }
}

} // namespace machinist
