// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/log.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <syslog.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* level_names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

int level_at_start() {
    const char* text = std::getenv("SYSTEMD_LOG_LEVEL");
    const auto named = text == nullptr ? std::nullopt : log_level_named(text);
    return named.value_or(LOG_INFO);
}

bool silent = false;

int& current_level() {
    static int level = level_at_start();
    return level;
}

void write_line(int level, std::string_view text) {
    if (silent || level > current_level())
        return;
    const std::string line = "<" + std::to_string(level) + ">" + escaped_for_people(text) + "\n";
    // One write, so that lines of several processes do not mix. Nobody is left to be told if it fails.
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0)
        return;
}

} // namespace

void log_error(std::string_view text) {
    write_line(LOG_ERR, text);
}

void log_warning(std::string_view text) {
    write_line(LOG_WARNING, text);
}

void log_notice(std::string_view text) {
    write_line(LOG_NOTICE, text);
}

void log_debug(std::string_view text) {
    write_line(LOG_DEBUG, text);
}

std::optional<int> log_level_named(std::string_view text) {
    for (int level = 0; level <= highest_log_level; ++level)
        if (text == level_names[level] || text == std::to_string(level))
            return level;
    return std::nullopt;
}

const char* name_of_log_level(int level) {
    return level_names[std::clamp(level, 0, highest_log_level)];
}

int log_level() {
    return current_level();
}

void set_log_level(int level) {
    current_level() = std::clamp(level, 0, highest_log_level);
}

void set_log_silent(bool is_silent) {
    silent = is_silent;
}

bool is_log_silent() {
    return silent;
}

} // namespace machinist
