// SPDX-License-Identifier: LGPL-2.1-or-later
// A call of machinist-enter: what it is asked for, made ready to be executed.
#pragma once

#include "registry/machine.hpp"
#include "registry/places.hpp"
#include "spec/errand.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// A command in a machine; machinist-enter's options say what each member means.
struct Entry {
    std::optional<std::string> user = {};
    std::optional<std::string> directory = {};
    std::vector<std::string> environment = {}; // "NAME=VALUE"
    bool pty = false;
    bool login_shell = false;
    bool escapable = false;
    bool quiet = false;
    std::optional<double> seconds = {};
    std::vector<std::string> command = {};
};

// A program in memory, the descriptors that it inherits, its command line.
struct PreparedEntry {
    UniqueFd program = {};
    std::vector<UniqueFd> descriptors = {};
    std::vector<std::string> arguments = {};

    // The number is for the command line: it stays the same over the exec.
    int hand_over(UniqueFd descriptor);
    // Replaces the calling process, which is a copy of the one that prepared it. Throws Failure.
    [[noreturn]] void execute() const;
};

// result: a file for how the command ended, or none. Throws Failure(not_permitted) unless this process is root.
PreparedEntry prepare_entry(const Machine& machine, const Entry& entry, const Places& places, UniqueFd result = {});
// Connects the caller's terminal with a master, which is taken, until the machine ends or the terminal is hung up; with
// patience only until the former. No root is needed.
PreparedEntry prepare_relay(const std::string& machine, const Pidfd& leader, UniqueFd master, bool patient, bool quiet,
                            const Places& places);
// reply: the end of a message socket. entry: of a shell, else it is empty.
PreparedEntry prepare_errand(const Machine& machine, const Errand& errand, const Entry& entry, UniqueFd reply,
                             const Places& places);

} // namespace machinist
