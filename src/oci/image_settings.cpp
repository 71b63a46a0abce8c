// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/image_settings.hpp"

#include "base/signal_names.hpp"
#include "base/text.hpp"
#include "spec/mount_text.hpp"

namespace machinist::oci {

namespace {

// A word of a list, as settings files quote it.
std::string in_quotes(std::string_view word) {
    std::string text = "\"";
    for (const char byte : word) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x20 || value == 0x7f)
            text.append("\\x").append(1, digits[value >> 4]).append(1, digits[value & 15]);
        else if (byte == '"' || byte == '\\')
            text.append("\\").append(1, byte);
        else
            text.append(1, byte);
    }
    return text + "\"";
}

// What cannot stand in a file of lines is left out rather than changed.
bool is_usable(const std::string& word) {
    return is_utf8(word);
}

bool is_init(const std::string& command) {
    return command == "init" || command.ends_with("/init") || command.ends_with("/systemd");
}

std::string words_line(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words)
        line += (line.empty() ? "" : " ") + in_quotes(word);
    return line;
}

} // namespace

ImageConfig config_of(const Settings& settings) {
    ImageConfig config;
    const StartSettings start = settings.start.value_or(StartSettings{});
    const bool boots = start.boot.value_or(false) || start.parameters.empty();
    if (boots)
        config.command.emplace_back("/sbin/init");
    config.command.insert(config.command.end(), start.parameters.begin(), start.parameters.end());
    for (const std::string& variable : settings.environment.value_or(std::vector<std::string>{}))
        if (variable.find('=') != std::string::npos)
            config.environment.push_back(variable);
    config.user = settings.user.value_or("");
    config.working_directory = settings.working_directory.value_or("").string();
    // The stub init's own signal means nothing to a command.
    if (boots)
        config.stop_signal = "SIGRTMIN+3";
    else if (settings.kill_signal && !start.as_pid2.value_or(false))
        config.stop_signal = signal_name(*settings.kill_signal);
    return config;
}

std::string settings_text(const ImageConfig& config) {
    std::vector<std::string> command = config.entrypoint;
    command.insert(command.end(), config.command.begin(), config.command.end());
    std::erase_if(command, [](const std::string& word) { return !is_usable(word); });
    std::string text = "# Made of the configuration of an OCI image\n[Exec]\n";
    const auto signal = parse_signal(config.stop_signal);
    if (!command.empty() && is_init(command.front())) {
        command.erase(command.begin());
        text += "Boot=yes\n";
    } else if (signal && !command.empty()) {
        text += "Boot=no\nNotifyReady=no\nKillSignal=" + signal_name(*signal) + "\n";
    } else {
        text += "Boot=no\nProcessTwo=yes\nNotifyReady=no\nKillSignal=SIGRTMIN+3\n";
    }
    if (!command.empty())
        text += "Parameters=" + words_line(command) + "\n";
    for (const std::string& variable : config.environment)
        if (is_usable(variable) && is_environment_name(variable.substr(0, variable.find('='))) &&
            variable.find('=') != std::string::npos)
            text += "Environment=" + in_quotes(variable) + "\n";
    if (!config.user.empty() && config.user != "root" && config.user != "0" && is_usable(config.user) &&
        config.user.find_first_of(" \t\n\r\\\"'") == std::string::npos && !has_control_characters(config.user))
        text += "User=" + config.user + "\n";
    if (const auto directory = destination_path(config.working_directory);
        directory && *directory != "/" && is_usable(directory->native()) &&
        !has_control_characters(directory->native()) && !directory->native().ends_with('\\'))
        text += "WorkingDirectory=" + directory->native() + "\n";
    return text;
}

} // namespace machinist::oci
