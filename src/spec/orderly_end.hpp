// SPDX-License-Identifier: LGPL-2.1-or-later
// How each kind of init is asked for an orderly end. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace machinist {

enum class EndKind { power_off, reboot };

struct OrderlyEnd {
    int signal = 0;                   // to process 1; 0: it listens to none
    std::vector<std::string> command; // ... then this is run in the machine
};

// init: the kinds of InitFacts, and "stub".
OrderlyEnd orderly_end(std::string_view init, EndKind kind);

// One of those that never tell by sd_notify how far they are, and are known well enough to see it from outside.
bool is_silent_init(std::string_view init);

} // namespace machinist
