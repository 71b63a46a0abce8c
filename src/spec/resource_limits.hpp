// SPDX-License-Identifier: LGPL-2.1-or-later
// Resource limits (RLIMIT_*) by name, their values as text, and what machines get by default.
#pragma once

#include "spec/image_facts.hpp"
#include "spec/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// "NOFILE" or "RLIMIT_NOFILE".
std::optional<int> limit_named(std::string_view text);
// "NOFILE".
std::string_view limit_name(int resource);

// "SOFT", "SOFT:HARD", each a number, "infinity", bytes with a suffix, or a time span, as the resource wants it.
std::optional<LimitSetting> parse_limit(int resource, std::string_view text);
std::string limit_text(const LimitSpec& limit);

// "1h 30min", "500ms", "90": a number without a unit counts as unit microseconds each.
std::optional<std::uint64_t> parse_time_span(std::string_view text, std::uint64_t unit);

// One for each resource. Those copied from the host's process 1 are left out where it was not seen.
std::vector<LimitSpec> default_limits(const HostFacts& host);

} // namespace machinist
