// SPDX-License-Identifier: LGPL-2.1-or-later
// From what was asked, what was written and what was seen to the decided MachineSpec. Pure.
//
// The way of a start:
//   parse_command_line -> image_of_request -> (somebody looks the image up and gathers ImageFacts and HostFacts)
//   -> base_name_of -> (somebody reads the settings of that name) -> parse_settings -> merge_settings
//   -> credentials_to_load -> (somebody reads them) -> resolve
#pragma once

#include "spec/command_line.hpp"
#include "spec/image_facts.hpp"
#include "spec/machine_spec.hpp"

#include <map>
#include <variant>

namespace machinist {

// Random data, drawn by the caller so that resolving stays a function of its arguments.
struct Chance {
    std::uint64_t name_suffix = 0; // 16 hexadecimal digits at the end of an ephemeral machine's name
    MachineId id;                  // for an image that has none
};

// The image that was asked for: a directory (absolute, ".." left to the kernel), or a name to look for in the image
// search path. The current directory if nothing was asked.
std::variant<Path, MachineName> image_of_request(const StartRequest& request, const HostFacts& host);

// The name that settings files go by: asked for, or the last component of the image's directory made a name, or the
// host's name for "/". Nothing if no name can be made of it.
std::optional<MachineName> base_name_of(const StartRequest& request, const Path& image_directory,
                                        const HostFacts& host);

// As systemd-nspawn calls it: opens what is encrypted of a disk image.
inline constexpr std::string_view disk_passphrase_credential = "dissect.passphrase";

struct CredentialToLoad {
    std::string name;
    Path path; // absolute: a regular file, or a stream socket to connect to and read until its end; at most 1 MiB
};
// Credentials whose bytes must be read before resolving. One that cannot be named is a problem of resolve().
std::vector<CredentialToLoad> credentials_to_load(const Settings& settings, const HostFacts& host);
using LoadedCredentials = std::map<std::string, std::string>; // name -> bytes

struct Resolved {
    MachineSpec spec;
    Problems warnings;
};

// image.directory is the tree that will run; with --template and no such directory yet, the other facts are the
// template's. Reports everything that is wrong at once. In the spec that results:
//  - root.read_only: the tree itself is not written; with a volatile mode or an extra mount on "/" what the machine
//    sees as "/" may be writable all the same
//  - payload.mode as_pid2 without arguments: the login shell below the stub init
//  - integration.link_journal is never automatic
std::variant<Resolved, Problems> resolve(const StartRequest& request, const Settings& settings, const ImageFacts& image,
                                         const HostFacts& host, const Chance& chance,
                                         const LoadedCredentials& credentials);

} // namespace machinist
