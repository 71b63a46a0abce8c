// SPDX-License-Identifier: LGPL-2.1-or-later
// Points in time and spans for people, as systemd's programs write them.
#pragma once

#include <cstdint>
#include <string>

namespace machinist {

// "Thu 2026-11-19 14:03:11 CET", local time; "n/a" for 0.
std::string timestamp_text(std::uint64_t microseconds);
// "1h 5min ago", "42s ago", "now": rounder the longer it is.
std::string ago_text(std::uint64_t microseconds);
std::uint64_t realtime_now();

} // namespace machinist
