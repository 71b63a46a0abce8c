// SPDX-License-Identifier: LGPL-2.1-or-later
// The real machinistd on a private bus, with a fake systemd and a fake polkit, and callers to ask it.
#pragma once

#include "fake_polkit.hpp"
#include "fake_systemd.hpp"
#include "private_bus.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace machinist::testing {

inline constexpr const char* manager_path = "/org/freedesktop/machine1";
inline constexpr const char* manager_interface = "org.freedesktop.machine1.Manager";
inline constexpr const char* machine_interface = "org.freedesktop.machine1.Machine";

// What a call brought: its error name, or its answer.
struct Outcome {
    std::string error;
    std::string sentence;
    std::shared_ptr<sd_bus_message> message;

    template <typename T>
    [[nodiscard]] T take() const {
        if (!error.empty()) {
            ADD_FAILURE() << error << ": " << sentence;
            return T{};
        }
        return wire::get<T>(message.get());
    }
};

struct SignalSeen {
    std::string member;
    std::string path;
    std::string first; // its first argument, if it is text
    std::string detail;
};

// A process that plays a leader; gone with the test.
class Leader {
public:
    Leader();
    Leader(Leader&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Leader(const Leader&) = delete;
    Leader& operator=(const Leader&) = delete;
    ~Leader() {
        end();
    }
    void end();
    [[nodiscard]] std::uint32_t number() const {
        return static_cast<std::uint32_t>(pid_);
    }
    [[nodiscard]] pid_t pid() const {
        return pid_;
    }

private:
    pid_t pid_;
};

class AService : public ::testing::Test {
protected:
    AService();
    ~AService() override;

    [[nodiscard]] std::filesystem::path pool() const {
        return bus.directory() / "var/machines";
    }
    void start_daemon(const std::vector<std::string>& more = {});
    void kill_daemon(int signal);
    [[nodiscard]] bool daemon_runs() const;
    // Status of its end; nothing if it does not end in time.
    std::optional<int> daemon_ends(int milliseconds = 10'000);

    void hide_the_hosts_own() const;

    using Fill = Connection::Fill;
    Outcome call_at(Connection& caller, const std::string& path, const char* interface, const char* member,
                    const Fill& fill, bool may_be_asked = false);
    // Kept running; the outcome is there later.
    std::shared_ptr<std::optional<Outcome>> begin(Connection& caller, const char* member, const Fill& fill,
                                                  bool may_be_asked = false);
    template <typename... T>
    Outcome manager(const char* member, const T&... values) {
        return call_at(*root, manager_path, manager_interface, member, filling(values...));
    }
    template <typename... T>
    Outcome somebodys(const char* member, const T&... values) {
        return call_at(somebody_else(), manager_path, manager_interface, member, filling(values...));
    }
    template <typename... T>
    Outcome machine(const std::string& name, const char* member, const T&... values) {
        return call_at(*root, machine_path(name), machine_interface, member, filling(values...));
    }
    template <typename... T>
    static Fill filling(const T&... values) {
        return [=]([[maybe_unused]] sd_bus_message* message) { (wire::put(message, values), ...); };
    }
    static std::string machine_path(const std::string& name);
    Outcome property(const std::string& path, const std::string& interface, const std::string& name);
    NamedValues properties(const std::string& path, const std::string& interface);

    static Fill registration(const std::string& name, std::uint32_t leader,
                             const std::string& machine_class = "container", const std::vector<std::uint8_t>& id = {},
                             const std::string& root_directory = "", const std::string& service = "test");
    static Fill creation(const std::string& name, std::uint32_t leader, const Options& scope_properties = {});
    Outcome register_machine(const std::string& name, std::uint32_t leader);
    Outcome create_machine(const std::string& name, std::uint32_t leader);
    std::vector<std::string> names();

    // Turns the loop until it is so; false if it does not become so.
    bool until(const std::function<bool()>& condition, int milliseconds = 10'000);
    [[nodiscard]] std::filesystem::path state_file(const std::string& name) const {
        return state_directory / name;
    }
    Connection& somebody_else();
    // From now on, of the daemon.
    void listen();
    [[nodiscard]] bool saw(const std::string& member, const std::string& first) const;

    EventLoop loop;
    PrivateBus bus;
    FakeSystemd systemd{bus.connect(loop)};
    FakePolkit polkit{bus.connect(loop)};
    std::unique_ptr<Connection> root = bus.connect(loop);
    std::unique_ptr<Connection> other;
    std::filesystem::path state_directory = bus.directory() / "machines";
    std::filesystem::path quarantine = bus.directory() / "quarantine";
    std::vector<SignalSeen> signals;
    std::vector<BusSlot> matches;
    pid_t daemon = -1;
};

} // namespace machinist::testing
