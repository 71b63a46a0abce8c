// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say what runs in the machine, with which environment, credentials and terminal.
#include "spec/option_parsers.hpp"

#include "base/signal_names.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace machinist::option_parsers {

namespace {

StartSettings& start_of(Settings& settings) {
    if (!settings.start)
        settings.start.emplace();
    return *settings.start;
}

// A word that names a file in the credentials directory.
bool is_credential_name(std::string_view text) {
    return !text.empty() && text.size() <= 255 && text != "." && text != ".." && is_utf8(text) &&
           !has_control_characters(text) && text.find('/') == std::string_view::npos;
}

// Without the value, which may be a secret: sentences are logged.
void refuse_credential(const Reading& reading, std::string_view predicate) {
    Reading silent = reading;
    silent.value = {};
    silent.has_value = false;
    silent.problem(predicate);
}

// The part before the colon, once it is known to be a name that was not given before.
std::optional<std::string_view> new_credential_name(const Reading& reading) {
    const auto colon = reading.value.find(':');
    const std::string_view name = reading.value.substr(0, colon);
    if (colon == std::string_view::npos || !is_credential_name(name)) {
        refuse_credential(reading, "does not begin with the name of a credential and a colon");
        return std::nullopt;
    }
    auto& credentials = reading.settings.credentials;
    if (!credentials)
        credentials.emplace();
    if (std::ranges::find(*credentials, name, &CredentialSetting::name) != credentials->end()) {
        refuse_credential(reading, "the credential '" + escaped_for_people(name) + "' was given before");
        return std::nullopt;
    }
    return name;
}

void add_environment(Reading& reading, std::string_view word) {
    const std::string_view name = word.substr(0, word.find('='));
    const bool assigns = name.size() != word.size();
    if (!is_environment_name(name) || word.find('\0') != std::string_view::npos)
        return reading.problem("sets no environment variable", "NAME=VALUE with a name of letters, digits and '_'");
    if (!assigns && reading.from_file())
        return reading.problem("has no value", "NAME=VALUE");
    if (!reading.settings.environment)
        reading.settings.environment.emplace();
    reading.settings.environment->emplace_back(word);
}

} // namespace

void boot(Reading& reading) {
    if (const auto wanted = boolean(reading))
        start_of(reading.settings).boot = wanted;
}

void as_pid2(Reading& reading) {
    if (const auto wanted = boolean(reading))
        start_of(reading.settings).as_pid2 = wanted;
}

void parameters(Reading& reading) {
    const auto words = split_quoted(reading.value);
    if (!words)
        return reading.problem("has a quote that does not end or an escape without meaning");
    auto& parameters = start_of(reading.settings).parameters;
    parameters.insert(parameters.end(), words->begin(), words->end());
}

void working_directory(Reading& reading) {
    if (auto path = absolute_path(reading))
        reading.settings.working_directory = std::move(path);
}

void set_environment(Reading& reading) {
    add_environment(reading, reading.value);
}

void environment_words(Reading& reading) {
    const auto words = split_quoted(reading.value);
    if (!words)
        return reading.problem("has a quote that does not end or an escape without meaning");
    for (const std::string& word : *words)
        add_environment(reading, word);
}

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= 256 && name != "." && name != ".." && !name.starts_with('-') &&
           is_utf8(name) && !has_control_characters(name) && name.find_first_of(":/ ") == std::string_view::npos;
}

// USER or USER:GROUP, as images of OCI say it.
void user(Reading& reading) {
    const std::string_view name = reading.value;
    const auto colon = name.find(':');
    const bool has_good_group = colon == std::string_view::npos || is_account_name(name.substr(colon + 1));
    if (is_account_name(name.substr(0, colon)) && has_good_group)
        reading.settings.user = std::string{name};
    else
        reading.problem("is no name of a user and no number");
}

void kill_signal(Reading& reading) {
    if (asks_for_list(reading, joined(all_signal_names(), "\n")))
        return;
    const auto signal = parse_signal(reading.value);
    if (signal)
        reading.settings.kill_signal = signal;
    else
        reading.problem("is no signal", "a name such as SIGTERM or SIGRTMIN+3");
}

void notify_ready(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.notify_ready = wanted;
}

void suppress_sync(Reading& reading) {
    if (const auto wanted = boolean(reading))
        reading.settings.suppress_sync = wanted;
}

void console(Reading& reading) {
    if (asks_for_list(reading, "interactive\nread-only\npassive\npipe\nautopipe"))
        return;
    const auto mode = value_named(console_setting_names, reading.value);
    if (mode)
        reading.settings.console = mode;
    else
        reading.problem("is none of " + listed(console_setting_names));
}

void pipe(Reading& reading) {
    reading.settings.console = ConsoleSetting::pipe;
}

void background(Reading& reading) {
    const bool valid = reading.value.size() < 64 && std::ranges::all_of(reading.value, [](char byte) {
                           return (byte >= '0' && byte <= '9') || byte == ';' || byte == ':';
                       });
    if (valid)
        reading.settings.background = std::string{reading.value};
    else
        reading.problem("is no colour for a terminal", "numbers with semicolons between them, such as 44 or 48;5;17");
}

void set_credential(Reading& reading) {
    const auto name = new_credential_name(reading);
    if (!name)
        return;
    const auto value = c_unescaped(reading.value.substr(name->size() + 1));
    if (!value)
        return refuse_credential(reading,
                                 "the value of '" + escaped_for_people(*name) + "' has an escape without meaning");
    reading.settings.credentials->push_back({std::string{*name}, value, {}});
}

void load_credential(Reading& reading) {
    const auto name = new_credential_name(reading);
    if (!name)
        return;
    const std::string_view from = reading.value.substr(name->size() + 1);
    const bool is_path = from.find('/') != std::string_view::npos;
    if (!is_path && !is_credential_name(from))
        return reading.problem("names neither a path nor a credential to load");
    reading.settings.credentials->push_back({std::string{*name}, std::nullopt, std::string{from}});
}

} // namespace machinist::option_parsers
