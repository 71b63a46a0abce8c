// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/command_line.hpp"

#include "base/text.hpp"
#include "spec/option_table.hpp"

#include <algorithm>
#include <cstring>
#include <getopt.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

// What getopt returns for a long option: this and the row's index, so that it is never a letter.
constexpr int first_long_value = 256;

struct Grammar {
    std::vector<option> long_options;
    std::string letters = "+:"; // stop at the first word; tell a missing value from an unknown option
};

Grammar grammar_of(std::span<const Option> table) {
    Grammar grammar;
    grammar.long_options.reserve(table.size() + 1);
    for (const Option& row : table) {
        const int argument = static_cast<int>(row.argument); // no_argument, required_argument, optional_argument
        if (row.name[0] != '\0')
            grammar.long_options.push_back(
                {row.name, argument, nullptr, first_long_value + static_cast<int>(&row - table.data())});
        if (row.letter != 0)
            grammar.letters.append(1, row.letter).append(static_cast<std::size_t>(argument), ':');
    }
    grammar.long_options.push_back({});
    return grammar;
}

const Option* row_of(std::span<const Option> table, int value) {
    if (value >= first_long_value)
        return &table[static_cast<std::size_t>(value - first_long_value)];
    const auto row = std::ranges::find_if(table, [&](const Option& o) { return o.letter != 0 && o.letter == value; });
    return row == table.end() ? nullptr : &*row;
}

std::string written_as(const Option& row, int value) {
    return value >= first_long_value ? "--" + std::string{row.name} : "-" + std::string(1, row.letter);
}

Problem usage_problem(std::string option, std::string sentence, std::string remedy = "--help") {
    return {FailureKind::usage, std::move(option), {}, std::move(sentence), std::move(remedy)};
}

// word: as written, with its dashes.
Problem unknown_option(std::span<const Option> table, std::string_view word) {
    const std::string_view name = word.substr(0, word.find('='));
    const std::string shown = escaped_for_people(name);
    std::string candidates;
    for (const Option& row : table)
        if (name.starts_with("--") && std::string_view{row.name}.starts_with(name.substr(2)))
            candidates.append(candidates.empty() ? "--" : ", --").append(row.name);
    if (candidates.empty())
        return usage_problem(std::string{name}, "unknown option '" + shown + "'");
    return usage_problem(std::string{name}, "option '" + shown + "' is ambiguous", "one of " + candidates);
}

// What getopt says with '?' and ':'.
Problem misuse(std::span<const Option> table, int answer, std::string_view word) {
    const Option* row = optopt == 0 ? nullptr : row_of(table, optopt);
    if (row == nullptr)
        return unknown_option(table, optopt != 0 ? "-" + std::string(1, static_cast<char>(optopt)) : std::string{word});
    const std::string option = written_as(*row, optopt);
    if (answer == ':')
        return usage_problem(option, option + " needs a value: " + std::string{row->metavar});
    return usage_problem(option, option + " takes no value");
}

bool ends_the_command_line(const StartRequest& request) {
    return request.help || request.version || request.introspect || request.listing;
}

void check(CommandLine& line) {
    const StartRequest& request = line.request;
    if (request.json && !request.dry_run)
        line.problems.push_back(usage_problem("--json", "--json goes with --dry-run only", "--dry-run --json"));
    const std::pair<const char*, bool> kinds[]{{"--directory", request.directory.has_value()},
                                               {"--mstack", request.stack.has_value()},
                                               {"--oci-bundle", request.bundle.has_value()},
                                               {"--image", request.image.has_value()}};
    const char* chosen = nullptr;
    for (const auto& [option, is_given] : kinds) {
        if (is_given && chosen != nullptr)
            line.problems.push_back(usage_problem(
                option, std::string{option} + " and " + chosen + " exclude each other", "leaving one of them out"));
        chosen = is_given ? option : chosen;
    }
    if (request.make_from && (request.stack || request.bundle || request.image))
        line.problems.push_back(usage_problem(chosen, std::string{chosen} + " and --template exclude each other",
                                              "leaving one of them out"));
    if (request.cleanup && !request.machine && !request.directory && !request.stack && !request.bundle &&
        !request.image)
        line.problems.push_back(
            usage_problem("--cleanup", "--cleanup needs to know of which machine", "--machine=NAME"));
    if (request.cleanup && request.settings.ephemeral.value_or(false))
        line.problems.push_back(
            usage_problem("--cleanup", "--cleanup and --ephemeral exclude each other", "leaving one of them out"));
}

} // namespace

CommandLine parse_command_line(Manner manner, std::span<char* const> arguments) {
    const std::span<const Option> table = option_table();
    const Grammar grammar = grammar_of(table);
    CommandLine line;
    line.request.manner = manner;

    char program[] = "machinist";
    std::vector<char*> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.push_back(nullptr);
    const int count = static_cast<int>(words.size()) - 1;

    optind = 0; // glibc: begin anew, also within a cluster of letters
    opterr = 0;
    for (;;) {
        optopt = 0;
        const int answer =
            getopt_long(count, words.data(), grammar.letters.c_str(), grammar.long_options.data(), nullptr);
        if (answer == -1)
            break;
        if (answer == '?' || answer == ':') {
            line.problems.push_back(misuse(table, answer, words[static_cast<std::size_t>(optind - 1)]));
            continue;
        }
        const Option& row = *row_of(table, answer);
        Reading reading{.request = &line.request,
                        .settings = line.request.settings,
                        .problems = line.problems,
                        .warnings = line.warnings,
                        .place = {},
                        .option = written_as(row, answer)};
        reading.has_value = optarg != nullptr;
        if (reading.has_value)
            reading.value = optarg;
        reading.next_word = words[static_cast<std::size_t>(optind)];
        row.parse(reading);
        line.written.push_back({&row, std::string{reading.value}, reading.has_value});
        if (reading.took_next_word)
            ++optind;
        if (ends_the_command_line(line.request))
            return line;
    }
    if (optind < count) {
        if (!line.request.settings.start)
            line.request.settings.start.emplace();
        line.request.settings.start->parameters.assign(words.begin() + optind, words.end() - 1);
    }
    check(line);
    return line;
}

int exit_status_for(const Problems& problems, Manner manner) {
    const bool usage = std::ranges::any_of(problems, [](const Problem& p) { return p.kind == FailureKind::usage; });
    return usage && manner == Manner::machinist ? 2 : 1;
}

} // namespace machinist
