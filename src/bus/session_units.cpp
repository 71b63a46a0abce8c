// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/session_units.hpp"

#include "base/text.hpp"

#include <climits>

namespace machinist {

namespace {

constexpr const char* service = "org.freedesktop.systemd1";

// Which shell a user has only the machine's own user database knows.
constexpr const char* login_shell_script =
    "shell=$(getent passwd \"$1\" 2>/dev/null | cut -d: -f7)\nexec \"${shell:-/bin/sh}\" -l";

constexpr std::size_t most_words = 4096;
constexpr std::size_t longest_word = 131072; // MAX_ARG_STRLEN

constexpr Method of_manager(const char* member) {
    return {service, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", member};
}

std::string shell_unit_name(int pty_number) {
    return "container-shell@" + std::to_string(pty_number) + ".service";
}

Connection::OnAnswer telling(OnSessionUnit done, std::string what) {
    return [done = std::move(done), what = std::move(what)](const Answer& answer) {
        if (!answer.failed())
            return done(nullptr);
        const std::string error = answer.error_name();
        Failure failure = answer.failure(what);
        if (error == "org.freedesktop.DBus.Error.ServiceUnknown" ||
            error == "org.freedesktop.DBus.Error.NameHasNoOwner" ||
            error.starts_with("org.freedesktop.DBus.Error.Spawn."))
            failure = Failure{FailureKind::not_supported, what + ": there is no systemd"};
        done(&failure);
    };
}

template <typename T>
void put_property(sd_bus_message* to, const char* name, const T& value) {
    wire::put(to, std::pair<std::string, Variant>{name, Variant{value}});
}

void put_command(sd_bus_message* to, const ShellUnit& shell, const std::string& user) {
    std::string program = shell.program;
    std::vector<std::string> arguments = shell.arguments;
    if (program.empty()) {
        program = "/bin/sh";
        arguments = {"sh", "-c", login_shell_script, "sh", user};
    } else if (arguments.empty()) {
        arguments = {program};
    }
    // systemd puts values of variables into the words otherwise.
    for (std::string& argument : arguments)
        for (std::size_t at = argument.find('$'); at != std::string::npos; at = argument.find('$', at + 2))
            argument.insert(at, 1, '$');
    using Command = std::tuple<std::string, std::vector<std::string>, bool>;
    wire::written(sd_bus_message_open_container(to, 'r', "sv"));
    wire::put(to, std::string{"ExecStart"});
    wire::written(sd_bus_message_open_container(to, 'v', "a(sasb)"));
    wire::put(to, std::vector<Command>{{program, arguments, true}});
    wire::written(sd_bus_message_close_container(to));
    wire::written(sd_bus_message_close_container(to));
}

} // namespace

void check_shell_unit(const ShellUnit& shell) {
    const auto refuse = [](const std::string& what) { throw Failure{FailureKind::invalid, what}; };
    if (shell.user.size() > 256 || shell.user.starts_with('-') || has_control_characters(shell.user) ||
        shell.user.find_first_of(":/@ ") != std::string::npos)
        refuse("Invalid user name '" + escaped_for_people(shell.user.substr(0, 64)) + "'");
    if (!shell.program.empty() && (!shell.program.starts_with('/') || shell.program.size() >= PATH_MAX))
        refuse("Specified path '" + escaped_for_people(shell.program.substr(0, 200)) + "' is not absolute");
    if (shell.arguments.size() > most_words || shell.environment.size() > most_words)
        refuse("Too many arguments or variables");
    for (const auto* words : {&shell.arguments, &shell.environment})
        for (const std::string& word : *words)
            if (word.size() >= longest_word)
                refuse("An argument or variable is too long");
    for (const std::string& assignment : shell.environment) {
        const auto equals = assignment.find('=');
        if (equals == std::string::npos || !is_environment_name(std::string_view{assignment}.substr(0, equals)))
            refuse("Invalid environment assignments");
    }
}

void start_login_prompt(Connection& bus, int pty_number, OnSessionUnit done) {
    bus.call(
        of_manager("StartUnit"),
        [&](sd_bus_message* message) {
            wire::put(message, "container-getty@" + std::to_string(pty_number) + ".service");
            wire::put(message, std::string{"replace"});
        },
        telling(std::move(done), "start a login prompt"));
}

void start_shell_unit(Connection& bus, const ShellUnit& shell, BorrowedFd slave, int pty_number, bool keep,
                      OnSessionUnit done) {
    check_shell_unit(shell);
    const std::string user = shell.user.empty() ? "root" : shell.user;
    const std::string terminal = "pts/" + std::to_string(pty_number);
    const auto fill = [&](sd_bus_message* message) {
        wire::put(message, shell_unit_name(pty_number));
        wire::put(message, std::string{"fail"});
        wire::written(sd_bus_message_open_container(message, 'a', "(sv)"));
        put_property(message, "Description", "Shell for User " + user);
        for (const char* stream :
             {"StandardInputFileDescriptor", "StandardOutputFileDescriptor", "StandardErrorFileDescriptor"})
            wire::written(sd_bus_message_append(message, "(sv)", stream, "h", slave.get()));
        put_property(message, "SendSIGHUP", true);
        put_property(message, "IgnoreSIGPIPE", false);
        put_property(message, "KillMode", std::string{"mixed"});
        put_property(message, "TTYPath", "/dev/" + terminal);
        put_property(message, "TTYReset", true);
        put_property(message, "UtmpIdentifier", terminal);
        put_property(message, "UtmpMode", std::string{"user"});
        put_property(message, "PAMName", std::string{"login"});
        put_property(message, "WorkingDirectory", std::string{"-~"});
        put_property(message, "User", user);
        if (!shell.environment.empty())
            put_property(message, "Environment", shell.environment);
        if (keep)
            put_property(message, "AddRef", true);
        put_command(message, shell, user);
        wire::written(sd_bus_message_close_container(message));
        wire::written(sd_bus_message_append(message, "a(sa(sv))", 0));
    };
    bus.call(of_manager("StartTransientUnit"), fill, telling(std::move(done), "start a shell"));
}

void ask_shell_state(Connection& bus, int pty_number, std::function<void(std::optional<ShellState>)> done) {
    const auto take = [done](const Answer& answer) {
        if (answer.failed())
            return done(std::nullopt);
        const auto values = answer.take<NamedValues>();
        const auto held = [&]<typename T>(const char* name, T fallback) {
            const auto found = values.find(name);
            const T* value = found == values.end() ? nullptr : std::get_if<T>(&found->second);
            return value == nullptr ? fallback : *value;
        };
        const std::string state = held("ActiveState", std::string{});
        constexpr std::int32_t exited = 1; // CLD_EXITED; else a signal ended it
        const auto status = held("ExecMainStatus", std::int32_t{0});
        done(ShellState{.ended = state == "inactive" || state == "failed",
                        .status = held("ExecMainCode", exited) == exited ? status : 128 + status});
    };
    const auto found = [&bus, done, take](const Answer& answer) {
        if (answer.failed())
            return done(std::nullopt);
        const std::string object = answer.take<ObjectPath>().text;
        bus.call(
            {service, object.c_str(), "org.freedesktop.DBus.Properties", "GetAll"},
            [](sd_bus_message* message) { wire::put(message, std::string{}); }, take);
    };
    bus.call(
        of_manager("GetUnit"), [&](sd_bus_message* message) { wire::put(message, shell_unit_name(pty_number)); },
        found);
}

} // namespace machinist
