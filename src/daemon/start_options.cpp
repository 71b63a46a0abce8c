// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/start_options.hpp"

#include "base/text.hpp"
#include "spec/command_line.hpp"
#include "spec/option_table.hpp"
#include "spec/plain_user_options.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

constexpr std::size_t most_words = 1024;
constexpr std::size_t longest_path = 4096;

// Of one machine of a user; an administrator's has none of memory, and four times the tasks.
constexpr const char* most_tasks = "4096";
constexpr const char* most_memory = "50%";

// What has to do with who keeps the machine is not the caller's to say.
constexpr std::array<std::string_view, 11> not_for_callers{"machine", "keep-unit", "help",      "version",
                                                           "dry-run", "cleanup",   "register",  "quiet",
                                                           "console", "key",       "managed-by"};

void add(std::vector<std::string>& words, const std::string& name, const std::string& value) {
    words.push_back("--" + name + "=" + value);
}

// An option by its name, else a key of settings files by its own.
const Option& row_named(const std::string& name) {
    const auto option = std::ranges::find(option_table(), std::string_view{name},
                                          [](const Option& one) { return std::string_view{one.name}; });
    const Option* row = option != option_table().end() && !name.empty() ? &*option : row_of_key(name);
    if (row == nullptr || std::ranges::find(not_for_callers, row->name) != not_for_callers.end())
        throw Failure{FailureKind::invalid, "Invalid option '" + escaped_for_people(name.substr(0, 64)) + "'"};
    return *row;
}

void add_key(std::vector<std::string>& words, const std::string& name, const Variant& value) {
    const auto add_one = [&](const std::string& text) { add(words, "key", name + "=" + text); };
    if (const auto* text = std::get_if<std::string>(&value))
        add_one(*text);
    else if (const auto* flag = std::get_if<bool>(&value))
        add_one(*flag ? "yes" : "no");
    else if (const auto* number = std::get_if<std::uint32_t>(&value))
        add_one(std::to_string(*number));
    else if (const auto* large = std::get_if<std::uint64_t>(&value))
        add_one(std::to_string(*large));
    else if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
        std::ranges::for_each(*texts, add_one);
    else
        throw Failure{FailureKind::invalid, "Invalid type of option '" + name + "'"};
}

void add_option(std::vector<std::string>& words, const std::string& name, const Variant& value) {
    const Option& row = row_named(name);
    const Option* known = &row;
    if (name != row.name)
        return add_key(words, name, value);
    if (const auto* text = std::get_if<std::string>(&value))
        return add(words, name, *text);
    if (const auto* number = std::get_if<std::uint32_t>(&value))
        return add(words, name, std::to_string(*number));
    if (const auto* large = std::get_if<std::uint64_t>(&value))
        return add(words, name, std::to_string(*large));
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
        for (const std::string& one : *texts)
            add(words, name, one);
        return;
    }
    if (const auto* flag = std::get_if<bool>(&value)) {
        if (known->argument != OptionArgument::none)
            return add(words, name, *flag ? "yes" : "no");
        if (*flag)
            words.push_back("--" + name);
        return;
    }
    throw Failure{FailureKind::invalid, "Invalid type of option '" + name + "'"};
}

// Throws Failure(invalid) for what parses to no start.
std::vector<std::string> completed(std::vector<std::string> words, const NamedValues& options) {
    std::vector<std::string> command;
    for (const auto& [name, value] : options) {
        if (name != "command")
            add_option(words, name, value);
        else if (const auto* given = std::get_if<std::vector<std::string>>(&value))
            command = *given;
        else
            throw Failure{FailureKind::invalid, "Invalid type of option 'command'"};
    }
    if (!command.empty())
        words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    if (words.size() > most_words)
        throw Failure{FailureKind::invalid, "Too many options"};
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    const CommandLine parsed = parse_command_line(Manner::machinist, pointers);
    if (!parsed.problems.empty())
        throw Failure{FailureKind::invalid, parsed.problems.front().sentence};
    return words;
}

void check_own_option(const std::string& name, const Variant& value) {
    if (name == "command")
        return;
    if (!may_plain_user_give(row_named(name)))
        throw Failure{FailureKind::not_permitted, "option '" + escaped_for_people(name) +
                                                      "' is for administrators, not for a machine of one's own"};
    // Without a value it would be the service's.
    const auto has_value = [](const std::string& text) { return text.find('=') != std::string::npos; };
    const auto* texts = std::get_if<std::vector<std::string>>(&value);
    const auto* text = std::get_if<std::string>(&value);
    if (name == "setenv" &&
        !(texts != nullptr ? std::ranges::all_of(*texts, has_value) : text != nullptr && has_value(*text)))
        throw Failure{FailureKind::invalid, "option 'setenv' needs NAME=VALUE"};
}

} // namespace

std::vector<std::string> run_arguments(const std::string& machine, const NamedValues& options) {
    return completed({"--quiet", "--keep-unit", "--machine=" + machine}, options);
}

std::vector<std::string> own_run_arguments(const OwnStart& start, const NamedValues& options) {
    const std::string& directory = start.directory;
    if (!directory.starts_with('/') || directory.size() >= longest_path || directory.find('\0') != std::string::npos)
        throw Failure{FailureKind::invalid, "Invalid directory"};
    for (const auto& [name, value] : options)
        check_own_option(name, value);
    return completed({"--machine=" + start.machine, "--directory=" + directory, "--private-users=managed",
                      "--managed-by=" + std::to_string(start.user), "--private-network", "--settings=no",
                      "--link-journal=no", start.has_streams ? "--console=autopipe" : "--console=read-only",
                      "--register=yes", "--no-ask-password", std::string{"--key=TasksMax="} + most_tasks,
                      std::string{"--key=MemoryMax="} + most_memory},
                     options);
}

} // namespace machinist
