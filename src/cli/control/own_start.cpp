// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/own_start.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/random_suffix.hpp"
#include "spec/option_table.hpp"
#include "spec/plain_user_options.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

namespace machinist {

namespace {

// They are done here, or are so anyway.
constexpr auto answered_here =
    std::to_array<std::string_view>({"user", "system", "quiet", "no-pager", "no-ask-password", "directory", "machine",
                                     "settings", "console", "pipe", "private-network"});

// As systemd has it for images of users.
Path own_images() {
    const char* state = std::getenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    if (state != nullptr && state[0] == '/')
        return Path{state} / "machines";
    if (home == nullptr || home[0] != '/')
        throw Failure{FailureKind::invalid, "find images of your own: HOME is no directory"}.try_instead(
            "--directory=PATH");
    return Path{home} / ".local/state/machines";
}

Path absolute_directory(const Path& written) {
    Path whole = std::filesystem::absolute(written).lexically_normal();
    return whole.has_filename() ? whole : whole.parent_path();
}

Path directory_of(const StartRequest& request) {
    if (request.directory)
        return absolute_directory(*request.directory);
    if (request.machine)
        return own_images() / request.machine->text();
    return absolute_directory(".");
}

std::string name_of(const StartRequest& request, const Path& directory) {
    if (request.machine)
        return request.machine->text();
    const auto name = MachineName::cleaned(directory.filename().native());
    if (!name)
        throw Failure{FailureKind::invalid,
                      "no name can be made of '" + escaped_for_people(directory.filename().native()) + "'"}
            .try_instead("--machine=NAME");
    if (!request.settings.ephemeral.value_or(false))
        return name->text();
    // Many may run at once.
    const std::string suffix = "-" + random_suffix();
    std::string text = name->text().substr(0, 64 - suffix.size());
    while (text.ends_with('.'))
        text.pop_back();
    return text + suffix;
}

[[noreturn]] void refuse(const std::string& option) {
    throw Failure{FailureKind::not_permitted, option + " needs root, or the right to start machines"}.try_instead(
        "sudo, or leaving it out");
}

void add_value(NamedValues& options, const std::string& name, const std::string& value) {
    auto& held = options.try_emplace(name, std::vector<std::string>{}).first->second;
    std::get<std::vector<std::string>>(held).push_back(value);
}

void add_option(NamedValues& options, const WrittenOption& written) {
    const std::string name = written.row->name;
    const std::string shown = name.empty() ? std::string{"-"} + written.row->letter : "--" + name; // as --help lists it
    if (name == "user" && written.has_value)
        return add_value(options, "uid", written.value);
    if (name == "private-users" && written.value == "managed")
        return;
    if (std::ranges::find(answered_here, std::string_view{name}) != answered_here.end())
        return;
    if (!may_plain_user_give(*written.row))
        refuse(shown);
    if (written.row->argument == OptionArgument::none) {
        options.insert_or_assign(name, true);
        return;
    }
    if (name != "setenv" || written.value.find('=') != std::string::npos)
        return add_value(options, name, written.has_value ? written.value : "yes");
    if (const char* value = std::getenv(written.value.c_str()))
        add_value(options, name, written.value + "=" + value);
}

} // namespace

OwnStartWish own_start_wish(const CommandLine& line) {
    const StartRequest& request = line.request;
    const Path directory = directory_of(request);
    OwnStartWish wish{.machine = name_of(request, directory),
                      .directory = directory.string(),
                      .options = {},
                      .quiet = request.quiet,
                      .ask_password = request.ask_password};
    for (const WrittenOption& written : line.written) {
        add_option(wish.options, written);
        const std::string_view name = written.row->name;
        if (name == "pipe" || (name == "console" && written.value != "interactive"))
            wish.may_use_terminal = false;
    }
    // The service has no terminal to know it from.
    if (const char* terminal = std::getenv("TERM"); terminal != nullptr && !wish.options.contains("setenv"))
        add_value(wish.options, "setenv", std::string{"TERM="} + terminal);
    if (request.settings.start && !request.settings.start->parameters.empty())
        wish.options.insert_or_assign("command", request.settings.start->parameters);
    return wish;
}

OwnStartWish own_boot_wish(const std::string& word) {
    StartRequest request;
    if (word.find('/') != std::string::npos)
        request.directory = word;
    else if (!(request.machine = MachineName::parse(word)))
        throw Failure{FailureKind::invalid, "start '" + escaped_for_people(word) + "': it is no name for a machine"};
    const Path directory = directory_of(request);
    return {.machine = name_of(request, directory),
            .directory = directory.string(),
            .options = {{"boot", true}, {"network-veth", true}, {"notify-ready", std::string{"yes"}}}};
}

} // namespace machinist
