// SPDX-License-Identifier: LGPL-2.1-or-later
// One line to the journal, by standard error: sd-daemon(3)'s levels in front, so it is as good on a terminal.
#pragma once

#include <string_view>

namespace machinist {

// What is not printable in the text is escaped: parts of it come from callers and files.
void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_notice(std::string_view text);
void log_debug(std::string_view text); // only with SYSTEMD_LOG_LEVEL=debug or 7

} // namespace machinist
