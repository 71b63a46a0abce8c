// SPDX-License-Identifier: LGPL-2.1-or-later
// How each kind of init is asked for an orderly end. Pure.
#pragma once

#include <string>
#include <string_view>

namespace machinist {

enum class EndKind { power_off, reboot };

struct OrderlyEnd {
    int signal = 0;      // to process 1; 0: it listens to none
    std::string command; // ... then this is run in the machine
};

// init: the kinds of MachineFacts.
OrderlyEnd orderly_end(std::string_view init, EndKind kind);

} // namespace machinist
