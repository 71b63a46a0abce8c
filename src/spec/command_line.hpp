// SPDX-License-Identifier: LGPL-2.1-or-later
// The request: what the caller asked for on the command line of `machinist run` or systemd-nspawn.
#pragma once

#include "spec/problem.hpp"
#include "spec/settings.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace machinist {

// What .nspawn files may do (--settings=).
enum class SettingsUse {
    none,     // not read
    yes,      // options win; what would widen privileges counts only from trusted places
    override, // files win over options; trust as above
    trusted,  // options win; every file is trusted
};

struct StartRequest {
    Manner manner = Manner::machinist;
    // Do this instead of a start; the first that holds counts.
    bool help = false;
    bool version = false;
    std::optional<std::string> listing; // text to print: "--capability=help" and the like
    bool introspect = false;            // --introspect-cli
    bool cleanup = false;               // remove what is left of the machine
    bool dry_run = false;               // print the spec and the plan
    bool json = false;                  // ... as JSON

    bool quiet = false;
    bool ask_password = true;
    bool of_user = false; // --user without a value: a machine of the caller's own
    SettingsUse settings_use = SettingsUse::yes;
    std::optional<MachineName> machine;
    std::optional<Path> directory; // as written, may be relative
    std::optional<Path> make_from; // --template, as written
    std::optional<Path> stack;     // --mstack, as written
    std::optional<Path> bundle;    // --oci-bundle, as written
    std::optional<Path> image;     // a disk image, as written
    Settings settings;             // settings.start->parameters are the words that are no options
};

struct Option;

// An option as it was written.
struct WrittenOption {
    const Option* row = nullptr;
    std::string value;
    bool has_value = false;
};

struct CommandLine {
    StartRequest request;
    std::vector<WrittenOption> written; // in this order
    Problems problems;                  // not empty: the request must not be carried out
    Problems warnings;
};

// arguments: without the name of the program. Pure but for getopt's own state: not to be called by two threads.
CommandLine parse_command_line(Manner manner, std::span<char* const> arguments);

// 2 if the command line has no meaning and manner is ours, else 1: systemd-nspawn knows only 1.
int exit_status_for(const Problems& problems, Manner manner);

} // namespace machinist
