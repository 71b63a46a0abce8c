// SPDX-License-Identifier: LGPL-2.1-or-later
// What a user wants of a machine of their own, as the service is asked for it.
#pragma once

#include "bus/wire.hpp"
#include "spec/command_line.hpp"

#include <string>

namespace machinist {

struct OwnStartWish {
    std::string machine;
    std::string directory; // absolute
    NamedValues options;
    bool quiet = false;
    bool ask_password = true;
    bool may_use_terminal = true;
};

// Of a line without problems. Throws Failure(not_permitted) for what only administrators may say.
OwnStartWish own_start_wish(const CommandLine& line);

// A system that boots, with a link to the host. word: a directory if there is a slash in it, else a name.
OwnStartWish own_boot_wish(const std::string& word);

} // namespace machinist
