// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving what runs: the command or init, its environment, terminal, credentials.
#include "spec/resolving.hpp"

#include "base/text.hpp"
#include "spec/orderly_end.hpp"

#include <algorithm>
#include <csignal>

namespace machinist::resolving {

void start_mode(Resolving& r) {
    const StartSettings start = r.settings.start.value_or(StartSettings{});
    const bool boot = start.boot.value_or(false);
    const bool as_pid2 = start.as_pid2.value_or(false);
    if (boot && as_pid2)
        r.problem("--boot", "--boot and --as-pid2 exclude each other", "leaving one of them out");
    PayloadSpec& payload = r.spec.payload;
    payload.arguments = start.parameters;
    payload.mode = boot                       ? StartMode::boot
                   : as_pid2                  ? StartMode::as_pid2
                   : start.parameters.empty() ? StartMode::shell
                                              : StartMode::as_pid1;
}

void console(Resolving& r) {
    const bool terminal = r.host.stdin_is_terminal && r.host.stdout_is_terminal;
    const ConsoleSetting by_default = terminal ? ConsoleSetting::interactive : ConsoleSetting::read_only;
    switch (r.settings.console.value_or(by_default)) {
    case ConsoleSetting::interactive: r.spec.console = ConsoleMode::interactive; break;
    case ConsoleSetting::read_only: r.spec.console = ConsoleMode::read_only; break;
    case ConsoleSetting::passive: r.spec.console = ConsoleMode::passive; break;
    case ConsoleSetting::autopipe: r.spec.console = terminal ? ConsoleMode::interactive : ConsoleMode::pipe; break;
    case ConsoleSetting::pipe:
        r.spec.console = ConsoleMode::pipe;
        if (terminal && !r.request.quiet)
            r.warn("--pipe", "--pipe hands the caller's own terminal to the machine", "--console=autopipe");
        break;
    }
    r.spec.background = r.settings.background.value_or("");
    const bool title = r.environment_flag("SYSTEMD_ADJUST_TERMINAL_TITLE", true);
    r.spec.adjust_terminal_title = title && r.spec.console == ConsoleMode::interactive;
}

namespace {

void set_variable(std::vector<std::string>& environment, std::string assignment) {
    const std::string_view name = std::string_view{assignment}.substr(0, assignment.find('=') + 1);
    const auto same = std::ranges::find_if(environment, [&](const std::string& v) { return v.starts_with(name); });
    if (same == environment.end())
        environment.push_back(std::move(assignment));
    else
        *same = std::move(assignment);
}

// A boot word "KEY=VALUE" becomes a variable of init, as the kernel does it; words with a dot in KEY are options of
// systemd and stay.
std::optional<std::string> variable_of(const std::string& word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos)
        return std::nullopt;
    std::string name = word.substr(0, equals);
    std::ranges::replace(name, '-', '_');
    if (!is_environment_name(name))
        return std::nullopt;
    return name + word.substr(equals);
}

void environment(Resolving& r) {
    PayloadSpec& payload = r.spec.payload;
    if (r.boots()) {
        std::vector<std::string> stay;
        for (std::string& word : payload.arguments)
            if (auto variable = variable_of(word))
                set_variable(payload.environment, std::move(*variable));
            else
                stay.push_back(std::move(word));
        payload.arguments = std::move(stay);
    }
    for (const std::string& assignment : r.host.cdi.environment)
        set_variable(payload.environment, assignment);
    for (const std::string& word : r.settings.environment.value_or(std::vector<std::string>{})) {
        if (word.find('=') != std::string::npos)
            set_variable(payload.environment, word);
        else if (const auto caller = r.host.environment.find(word); caller != r.host.environment.end())
            set_variable(payload.environment, word + "=" + caller->second);
    }
}

void terminal(Resolving& r) {
    PayloadSpec& payload = r.spec.payload;
    const auto term = r.environment("TERM");
    const bool shown = r.spec.console != ConsoleMode::pipe && r.host.stdout_is_terminal;
    if (!shown || !term || *term == "dumb" || has_control_characters(*term))
        return;
    payload.terminal = *term;
    for (const char* name : {"COLORTERM", "NO_COLOR"})
        if (const auto value = r.environment(name))
            payload.terminal_extras.push_back(std::string{name} + "=" + *value);
}

void host_ids(Resolving& r) {
    for (const char* key : {"ID", "VERSION_ID", "BUILD_ID", "VARIANT_ID"})
        if (const auto value = r.host.os_release.find(key); value != r.host.os_release.end() && !value->second.empty())
            r.spec.payload.host_ids.push_back("container_host_" + lower_case(key) + "=" + value->second);
}

bool is_root(const std::optional<std::string>& user) {
    return !user || *user == "root" || *user == "0";
}

} // namespace

void payload(Resolving& r) {
    r.spec.payload.user = r.settings.user;
    if (r.settings.bundle) {
        r.spec.payload.groups = r.settings.bundle->groups;
        r.spec.payload.umask = r.settings.bundle->umask;
        r.spec.domainname = r.settings.bundle->domainname;
        r.spec.sysctls = r.settings.bundle->sysctls;
    }
    std::vector<std::uint32_t>& groups = r.spec.payload.groups;
    for (const std::uint32_t group : r.host.cdi.groups)
        if (std::ranges::find(groups, group) == groups.end())
            groups.push_back(group);
    r.spec.payload.working_directory = r.settings.working_directory;
    environment(r);
    terminal(r);
    host_ids(r);
    r.spec.kill_signal = r.settings.kill_signal;
    const std::string& init = r.image.init.kind;
    const bool is_silent = r.boots() && is_silent_init(init);
    if (!r.spec.kill_signal && is_silent) {
        // Without a signal, what keeps the machine runs a command in it.
        if (const int signal = orderly_end(init, EndKind::power_off).signal; signal != 0)
            r.spec.kill_signal = signal;
    } else if (!r.spec.kill_signal && r.boots()) {
        r.spec.kill_signal = SIGRTMIN + 3;
    }
    r.spec.notify_ready = r.settings.notify_ready.value_or(false);
    if (is_silent && r.spec.notify_ready) {
        r.warn("--notify-ready", "--notify-ready: the image's init (" + init + ") never says so; it is not waited for",
               "'machinist wait --for=ready', which looks by itself");
        r.spec.notify_ready = false;
    }
}

void credentials(Resolving& r) {
    constexpr std::size_t limit = std::size_t{1} << 20;
    std::size_t size = 0;
    for (const CredentialSetting& written : r.settings.credentials.value_or(std::vector<CredentialSetting>{})) {
        // What opens the disk is not for what runs from it.
        if (r.image.disk && written.name == disk_passphrase_credential)
            continue;
        Credential credential{written.name, written.value.value_or("")};
        const auto loaded = r.loaded.find(written.name);
        if (!written.value && loaded != r.loaded.end())
            credential.value = loaded->second;
        else if (!written.value)
            r.problem(FailureKind::not_found, "--load-credential",
                      "--load-credential: '" + escaped_for_people(written.load_from) +
                          "' was not passed to this program as a credential",
                      "--load-credential=" + escaped_for_people(written.name) + ":/PATH");
        size += credential.name.size() + credential.value.size();
        r.spec.credentials.push_back(std::move(credential));
    }
    if (size > limit)
        r.problem("--load-credential",
                  "the credentials have " + std::to_string(size) + " bytes, more than the limit of 1 MiB");
    const bool has_init = r.boots() || r.spec.payload.mode == StartMode::as_pid2;
    if (!r.spec.credentials.empty() && !is_root(r.spec.payload.user) && (has_init || !r.spec.no_new_privileges))
        r.problem("--uid",
                  "credentials could be read only by root, not by the user '" +
                      escaped_for_people(*r.spec.payload.user) + "'",
                  "--no-new-privileges=yes without --boot and --as-pid2");
}

} // namespace machinist::resolving
