// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/log.hpp"

#include "base/text.hpp"

#include <cstdlib>
#include <string>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace machinist {

namespace {

void write_line(const char* level, std::string_view text) {
    const std::string line = level + escaped_for_people(text) + "\n";
    // One write, so that lines of several processes do not mix. Nobody is left to be told if it fails.
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0)
        return;
}

bool wants_debug() {
    static const bool wanted = [] {
        const char* level = std::getenv("SYSTEMD_LOG_LEVEL");
        return level != nullptr && (std::string_view{level} == "debug" || std::string_view{level} == "7");
    }();
    return wanted;
}

} // namespace

void log_error(std::string_view text) {
    write_line(SD_ERR, text);
}

void log_warning(std::string_view text) {
    write_line(SD_WARNING, text);
}

void log_notice(std::string_view text) {
    write_line(SD_NOTICE, text);
}

void log_debug(std::string_view text) {
    if (wants_debug())
        write_line(SD_DEBUG, text);
}

} // namespace machinist
