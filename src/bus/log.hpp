// SPDX-License-Identifier: LGPL-2.1-or-later
// One line to the journal, by standard error: sd-daemon(3)'s levels in front, so it is as good on a terminal.
#pragma once

#include <optional>
#include <string_view>

namespace machinist {

// What is not printable in the text is escaped: parts of it come from callers and files.
void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_notice(std::string_view text);
void log_debug(std::string_view text);

// syslog(3)'s levels; what is above is not written. From SYSTEMD_LOG_LEVEL, else 6.
inline constexpr int highest_log_level = 7;
std::optional<int> log_level_named(std::string_view text); // "debug", "7"
const char* name_of_log_level(int level);
int log_level();
void set_log_level(int level);
// Whether anything is written at all.
void set_log_silent(bool silent);
bool is_log_silent();

} // namespace machinist
