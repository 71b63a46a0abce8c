// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "kernel/files.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using Clock = std::chrono::steady_clock;

Outcome outcome_of(sd_bus_message* message) {
    Outcome outcome;
    if (const sd_bus_error* error = sd_bus_message_get_error(message)) {
        outcome.error = error->name;
        outcome.sentence = error->message == nullptr ? "" : error->message;
    }
    outcome.message = {sd_bus_message_ref(message), sd_bus_message_unref};
    return outcome;
}

int keep_outcome(sd_bus_message* message, void* data, sd_bus_error*) {
    auto* kept = static_cast<std::shared_ptr<std::optional<Outcome>>*>(data);
    **kept = outcome_of(message);
    return 0;
}

} // namespace

Leader::Leader() : pid_(::fork()) {
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Connections of the test end when the test ends them.
        (void)::close_range(3, ~0U, 0);
        while (true)
            ::pause();
    }
}

void Leader::end() {
    if (pid_ <= 0)
        return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

AService::AService() {
    for (const char* directory : {"var/machines", "run"})
        std::filesystem::create_directories(bus.directory() / directory);
    start_daemon();
}

AService::~AService() {
    if (daemon > 0) {
        EXPECT_TRUE(daemon_runs()) << "the service did not survive this case";
        kill_daemon(SIGTERM);
    }
    // Images can be immutable, which keeps them from whoever removes the directory.
    remove_tree(open_path(bus.directory(), O_RDONLY | O_DIRECTORY), "var");
    if (HasFailure())
        std::cout << "the service said:\n"
                  << read_file_if_exists(bus.directory() / "log").value_or("nothing") << std::endl;
}

void AService::start_daemon(const std::vector<std::string>& more) {
    std::vector<std::string> words{MACHINISTD, "--state-directory=" + state_directory.string(),
                                   "--own-state-directory=" + (bus.directory() / "own").string(),
                                   "--quarantine=" + quarantine.string(), "--idle-exit=0"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log = (bus.directory() / "log").string();
    daemon = ::fork();
    if (daemon == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        ::dup2(output, STDERR_FILENO);
        hide_the_hosts_own();
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    ASSERT_TRUE(until([&] {
        return call_at(*root, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                       filling(std::string{"io.machinist"}))
            .take<bool>();
    })) << "machinistd did not start";
    // Answered when all machines are known.
    (void)names();
}

// What is called with hostile values must not reach the pool of the computer that runs the tests.
void AService::hide_the_hosts_own() const {
    const auto put_over = [&](const char* directory, const char* place) {
        return ::mount((bus.directory() / directory).c_str(), place, nullptr, MS_BIND, nullptr) == 0;
    };
    if (::unshare(CLONE_NEWNS) < 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
        !put_over("var", "/var/lib") || !put_over("run", "/run"))
        ::_exit(126);
}

void AService::kill_daemon(int signal) {
    if (daemon <= 0)
        return;
    ::kill(daemon, signal);
    ::waitpid(std::exchange(daemon, -1), nullptr, 0);
}

bool AService::daemon_runs() const {
    return ::waitpid(daemon, nullptr, WNOHANG) == 0;
}

std::optional<int> AService::daemon_ends(int milliseconds) {
    std::optional<int> status;
    (void)until(
        [&] {
            int ended = 0;
            if (::waitpid(daemon, &ended, WNOHANG) != daemon)
                return false;
            status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -WTERMSIG(ended);
            daemon = -1;
            return true;
        },
        milliseconds);
    return status;
}

bool AService::until(const std::function<bool()>& condition, int milliseconds) {
    const auto end = Clock::now() + std::chrono::milliseconds{milliseconds};
    while (!condition()) {
        if (Clock::now() >= end)
            return false;
        (void)sd_event_run(loop.raw(), 5'000);
    }
    return true;
}

Outcome AService::call_at(Connection& caller, const std::string& path, const char* interface, const char* member,
                          const Fill& fill, bool may_be_asked) {
    const bool to_bus = std::string_view{interface} == "org.freedesktop.DBus";
    sd_bus_message* message = nullptr;
    wire::written(sd_bus_message_new_method_call(
        caller.raw(), &message, to_bus ? "org.freedesktop.DBus" : "io.machinist", path.c_str(), interface, member));
    const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owner{message, sd_bus_message_unref};
    (void)sd_bus_message_set_allow_interactive_authorization(message, may_be_asked ? 1 : 0);
    if (fill)
        fill(message);
    auto kept = std::make_shared<std::optional<Outcome>>();
    sd_bus_slot* slot = nullptr;
    wire::written(sd_bus_call_async(caller.raw(), &slot, message, keep_outcome, &kept, 20'000'000));
    const BusSlot held{slot};
    (void)until([&] { return kept->has_value(); }, 25'000);
    return kept->value_or(Outcome{.error = "no answer", .sentence = "", .message = nullptr});
}

std::shared_ptr<std::optional<Outcome>> AService::begin(Connection& caller, const char* member, const Fill& fill,
                                                        bool may_be_asked) {
    auto kept = std::make_shared<std::optional<Outcome>>();
    sd_bus_message* message = nullptr;
    wire::written(sd_bus_message_new_method_call(caller.raw(), &message, "io.machinist", manager_path,
                                                 manager_interface, member));
    const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owner{message, sd_bus_message_unref};
    (void)sd_bus_message_set_allow_interactive_authorization(message, may_be_asked ? 1 : 0);
    if (fill)
        fill(message);
    auto* data = new std::shared_ptr<std::optional<Outcome>>{kept};
    sd_bus_slot* slot = nullptr;
    wire::written(sd_bus_call_async(caller.raw(), &slot, message, keep_outcome, data, 20'000'000));
    (void)sd_bus_slot_set_destroy_callback(
        slot, [](void* of) { delete static_cast<std::shared_ptr<std::optional<Outcome>>*>(of); });
    (void)sd_bus_slot_set_floating(slot, 1);
    sd_bus_slot_unref(slot);
    (void)sd_bus_flush(caller.raw());
    return kept;
}

std::string AService::machine_path(const std::string& name) {
    char* path = nullptr;
    wire::written(sd_bus_path_encode("/org/freedesktop/machine1/machine", name.c_str(), &path));
    const std::unique_ptr<char, decltype(&std::free)> owner{path, std::free};
    return path;
}

Outcome AService::property(const std::string& path, const std::string& interface, const std::string& name) {
    return call_at(*root, path, "org.freedesktop.DBus.Properties", "Get", filling(interface, name));
}

NamedValues AService::properties(const std::string& path, const std::string& interface) {
    return call_at(*root, path, "org.freedesktop.DBus.Properties", "GetAll", filling(interface)).take<NamedValues>();
}

AService::Fill AService::registration(const std::string& name, std::uint32_t leader, const std::string& machine_class,
                                      const std::vector<std::uint8_t>& id, const std::string& root_directory,
                                      const std::string& service) {
    return filling(name, id, service, machine_class, leader, root_directory);
}

AService::Fill AService::creation(const std::string& name, std::uint32_t leader, const Options& scope_properties) {
    return filling(name, std::vector<std::uint8_t>{}, std::string{"test"}, std::string{"container"}, leader,
                   std::string{}, scope_properties);
}

Outcome AService::register_machine(const std::string& name, std::uint32_t leader) {
    return call_at(*root, manager_path, manager_interface, "RegisterMachine", registration(name, leader));
}

Outcome AService::create_machine(const std::string& name, std::uint32_t leader) {
    return call_at(*root, manager_path, manager_interface, "CreateMachine", creation(name, leader));
}

std::vector<std::string> AService::names() {
    std::vector<std::string> names;
    for (const auto& row :
         manager("ListMachines").take<std::vector<std::tuple<std::string, std::string, std::string, ObjectPath>>>())
        names.push_back(std::get<0>(row));
    return names;
}

Connection& AService::somebody_else() {
    if (!other)
        other = bus.connect_as_somebody(loop);
    return *other;
}

void AService::listen() {
    matches.push_back(root->match("type='signal',sender='io.machinist'", [this](sd_bus_message* message) {
        SignalSeen seen{.member = sd_bus_message_get_member(message),
                        .path = sd_bus_message_get_path(message),
                        .first = "",
                        .detail = ""};
        const char* contents = nullptr;
        char type = 0;
        if (sd_bus_message_peek_type(message, &type, &contents) > 0 && (type == 's' || type == 'o'))
            seen.first = type == 's' ? wire::get<std::string>(message) : wire::get<ObjectPath>(message).text;
        if (seen.member == "PropertiesChanged")
            for (const auto& [name, value] : wire::get<NamedValues>(message))
                if (const auto* text = std::get_if<std::string>(&value))
                    seen.detail.append(name).append("=").append(*text);
        signals.push_back(seen);
    }));
}

bool AService::saw(const std::string& member, const std::string& first) const {
    for (const SignalSeen& seen : signals)
        if (seen.member == member && seen.first == first)
            return true;
    return false;
}

} // namespace machinist::testing
