// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals by name and number: "SIGTERM", "TERM", "15", "SIGRTMIN+3", "RTMAX-1".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// Nothing for what is no signal that can be sent.
std::optional<int> parse_signal(std::string_view text);
// With "SIG"; real-time ones as "SIGRTMIN+N".
std::string signal_name(int signal);
std::vector<std::string> all_signal_names();

} // namespace machinist
