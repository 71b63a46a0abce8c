// SPDX-License-Identifier: LGPL-2.1-or-later
// The errands that machinist-enter does in a machine on behalf of another program, and how its answer is written.
#pragma once

#include "base/enum_names.hpp"
#include "base/failure.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

enum class ErrandKind {
    pty,           // -> a master, and the path of its slave as text
    shell,         // the same, with the command of the rest of the command line on the slave
    bus,           // -> a connection to the machine's system bus
    root,          // -> its root directory
    copy_to,       // HOST-PATH PATH
    copy_from,     // PATH HOST-PATH
    bind,          // HOST-PATH PATH [USER | FIRST-USER FIRST-GROUP] -> what is worth a warning, as text
    unbind,        // PATH
    read,          // PATH... -> the text of the first that exists
    addresses,     // -> a line each, as text
    make_device,   // PATH c|b MAJOR MINOR MODE USER GROUP, decimal; the last two are the machine's
    remove_device, // PATH
};
inline constexpr EnumNames<ErrandKind, 12> errand_names{{{ErrandKind::pty, "pty"},
                                                         {ErrandKind::shell, "shell"},
                                                         {ErrandKind::bus, "bus"},
                                                         {ErrandKind::root, "root"},
                                                         {ErrandKind::copy_to, "copy-to"},
                                                         {ErrandKind::copy_from, "copy-from"},
                                                         {ErrandKind::bind, "bind"},
                                                         {ErrandKind::unbind, "unbind"},
                                                         {ErrandKind::read, "read"},
                                                         {ErrandKind::addresses, "addresses"},
                                                         {ErrandKind::make_device, "make-device"},
                                                         {ErrandKind::remove_device, "remove-device"}}};

struct Errand {
    ErrandKind kind = ErrandKind::root;
    std::vector<std::string> words = {};
    bool read_only = false; // bind
    bool make = false;      // bind: the destination, where it is missing
    bool replace = false;   // copies: files that exist
    bool detach = false;    // unbind: also what is in use
};

// One message, beside which descriptors go. Text has at most errand_text_limit bytes.
inline constexpr std::size_t errand_text_limit = 7000;
std::string done_message(std::string_view text);
std::string failed_message(const Failure& failure);
// The text. Throws the Failure that was reported, or Failure(hostile) for what is no such message.
std::string read_errand_message(std::string_view bytes);

// A path in a machine: absolute, without "..", not too long. Throws Failure(invalid).
void check_path_in_machine(std::string_view path);

} // namespace machinist
