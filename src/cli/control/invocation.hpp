// SPDX-License-Identifier: LGPL-2.1-or-later
// One call of machinist-control, as its command line says it: a verb, its words, options of all verbs.
#pragma once

#include "registry/machine_control.hpp"
#include "spec/image_class.hpp"

#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace machinist {

enum class OutputMode { text, json, json_pretty };

struct Invocation {
    std::string verb = "list";
    std::vector<std::string> words; // behind the verb; for exec and shell without the command's
    std::vector<std::string> command;
    bool help = false;
    bool version = false;
    bool as_machinectl = false; // called by that name

    OutputMode output = OutputMode::text;
    bool legend = true;
    bool quiet = false;
    bool ask_password = true;             // a person at this terminal
    std::optional<std::string> host;      // --host: its machines, by ssh
    std::optional<std::string> container; // --machine: those in a machine
    bool of_user = false;                 // --user before the verb: machines of one's own
    bool show_empty = false;              // --all
    bool full = false;                    // --full: nothing is cut to the terminal's width
    bool only_values = false;
    std::string journal_output; // --output, where it is one of journalctl's
    std::size_t lines = 10;     // of the journal
    std::vector<std::string> properties;
    std::optional<std::size_t> most_addresses = 1; // nothing: all

    std::string runner; // whose units: "machinist", "nspawn", "vmspawn"; "" by the name of the program
    bool now = false;   // enable, disable

    std::optional<unsigned> instances;
    bool copy = false; // clone

    bool list = false; // build: the rest is, too
    std::vector<std::string> mirrors;
    std::optional<std::string> place; // --directory
    bool anew = false;

    Whom whom = Whom::all;
    int signal = SIGTERM;
    bool list_signals = false;

    std::optional<std::string> user;
    std::optional<std::string> directory;
    std::vector<std::string> environment; // "NAME=VALUE"; "NAME" takes the caller's
    bool pty = false;

    bool read_only = false;           // bind, clone
    bool make = false;                // --mkdir
    std::optional<std::string> owner; // bind
    bool force = false;

    bool settings = false;              // show
    std::optional<std::string> drop_in; // edit

    ImageClass image_class = ImageClass::machine;
    std::vector<std::string> transfer_options; // as machinist-transfer takes them

    bool wait = false;
    std::optional<double> seconds; // --timeout
    std::string until = "ready";   // --for
    std::string then;              // --then

    [[nodiscard]] bool is_remote() const {
        return host || container;
    }
};

// arguments: without the name of the program. Options may stand anywhere, except that with exec and shell the words
// behind the machine's name are the command from the first that is no option. Throws Failure(usage or invalid).
Invocation parse_invocation(std::span<char* const> arguments);

// "  -q --quiet  ...": for help.
std::string options_help();

} // namespace machinist
