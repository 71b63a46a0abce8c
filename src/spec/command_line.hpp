// SPDX-License-Identifier: LGPL-2.1-or-later
// The request: what the caller asked for on the command line of `machinist run` or systemd-nspawn.
#pragma once

#include "spec/image_policy.hpp"
#include "spec/problem.hpp"
#include "spec/settings.hpp"

#include <optional>
#include <span>
#include <string>

namespace machinist {

// What .nspawn files may do (--settings=).
enum class SettingsUse {
    none,     // not read
    yes,      // options win; what would widen privileges counts only from trusted places
    override, // files win over options; trust as above
    trusted,  // options win; every file is trusted
};

enum class LayerChoice { automatic, tmpfs, disk, snapshot, reflink, copy };
inline constexpr EnumNames<LayerChoice, 6> layer_choice_names{{{LayerChoice::automatic, "auto"},
                                                               {LayerChoice::tmpfs, "tmpfs"},
                                                               {LayerChoice::disk, "disk"},
                                                               {LayerChoice::snapshot, "snapshot"},
                                                               {LayerChoice::reflink, "reflink"},
                                                               {LayerChoice::copy, "copy"}}};

enum class Registration { automatic, yes, no };

struct RootHashSignature {
    std::string bytes; // PKCS#7
    Path file;         // where they are, if not given; as written
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
    SettingsUse settings_use = SettingsUse::yes;
    std::optional<MachineName> machine;
    std::optional<Path> directory; // as written, may be relative
    std::optional<Path> make_from; // --template, as written
    std::optional<Path> stack;     // --mstack, as written
    std::optional<Path> bundle;    // --oci-bundle, as written
    std::optional<Path> image;     // a disk image, as written
    std::optional<ImagePolicy> image_policy;
    std::optional<std::string> root_hash; // hexadecimal, lower case
    std::optional<RootHashSignature> root_hash_signature;
    std::optional<Path> verity_data;
    std::optional<LayerChoice> layer;
    Registration registration = Registration::automatic;
    bool keep_unit = false;
    std::optional<std::string> slice; // with its ending
    std::vector<std::string> unit_properties;
    std::optional<std::string> background;
    Settings settings; // settings.start->parameters are the words that are no options
};

struct CommandLine {
    StartRequest request;
    Problems problems; // not empty: the request must not be carried out
    Problems warnings;
};

// arguments: without the name of the program. Pure but for getopt's own state: not to be called by two threads.
CommandLine parse_command_line(Manner manner, std::span<char* const> arguments);

// 2 if the command line has no meaning and manner is ours, else 1: systemd-nspawn knows only 1.
int exit_status_for(const Problems& problems, Manner manner);

} // namespace machinist
