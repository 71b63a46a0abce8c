// SPDX-License-Identifier: LGPL-2.1-or-later
// Every option and every key of a settings file, one row each: the command line, the reader of settings files and
// --help are made of these rows.
#pragma once

#include "spec/command_line.hpp"

#include <span>
#include <string>
#include <string_view>

namespace machinist {

enum class OptionGroup {
    general,
    image,
    execution,
    identity,
    users,
    network,
    security,
    resources,
    integration,
    mounts,
    console,
    credentials,
};

enum class OptionArgument { none, required, optional };

// Whether a settings file from a place that others can write may say it.
enum class Trust {
    open,
    privileged,
    depends, // on the value: the parser asks
};

// One written value on its way into a request or into settings.
struct Reading {
    StartRequest* request = nullptr; // none when a settings file is read
    Settings& settings;
    Problems& problems;
    Problems& warnings;
    std::string place;      // "web.nspawn:3: " or nothing: begins each sentence
    std::string option;     // "--bind", "-u", "Bind="
    std::string_view value; // empty if none was given
    bool has_value = false;
    bool trusted = true;
    // --user only: the word behind, which it may take.
    const char* next_word = nullptr;
    bool took_next_word = false;

    // "--option: 'value' is ..."
    void problem(std::string_view predicate, std::string remedy = {}) const;
    // The same, but nothing is refused for it.
    void warn(std::string_view predicate, std::string remedy = {}) const;
    [[nodiscard]] bool from_file() const {
        return request == nullptr;
    }
};

using OptionParser = void (*)(Reading&);

enum class OptionKind {
    shown,
    hidden, // not in --help
    ours,   // systemd-nspawn has no such option
};

struct Option {
    const char* name; // without "--"; empty: only a letter or a key
    char letter;      // 0: none
    OptionArgument argument;
    std::string_view metavar;
    OptionGroup group;
    OptionKind kind;
    std::string_view section; // of the key; empty: only an option
    std::string_view key;
    Trust trust;
    int since; // version of systemd that brought it; 0: always there, or ours
    OptionParser parse;
    std::string_view help;
    OptionParser parse_key = nullptr; // where a key is written otherwise than the option; none: as the option
    std::string_view by_default = {}; // what a key means that nobody wrote, as it would be written
    bool is_list = false;             // a later assignment of the key adds to an earlier one
    bool empty_has_a_meaning = false; // and does not only take back what came before
};

std::span<const Option> option_table();

OptionParser parser_of_key(const Option& row);

// "MemoryMax", or with its section, "Resources.MemoryMax". Nothing if no key is called so.
const Option* row_of_key(std::string_view name);

} // namespace machinist
