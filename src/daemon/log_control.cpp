// SPDX-License-Identifier: LGPL-2.1-or-later
// How much is written to the journal.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "daemon/interfaces.hpp"

namespace machinist {

namespace {

void set_level(const std::string& text) {
    const auto level = log_level_named(text);
    if (!level)
        throw Failure{FailureKind::invalid, "Invalid log level '" + escaped_for_people(text.substr(0, 100)) + "'"};
    set_log_level(*level);
}

void set_target(const std::string& text) {
    if (text != "null" && text != "journal" && text != "auto" && text != "console")
        throw Failure{FailureKind::invalid, "Invalid log target '" + escaped_for_people(text.substr(0, 100)) + "'"};
    set_log_silent(text == "null");
}

} // namespace

void attach_log_control(Interfaces& interfaces) {
    interfaces.log_control.writable_property<std::string>(
        "LogLevel", [](std::string_view) { return std::string{name_of_log_level(log_level())}; }, set_level);
    interfaces.log_control.writable_property<std::string>(
        "LogTarget", [](std::string_view) { return std::string{is_log_silent() ? "null" : "journal"}; }, set_target);
    interfaces.log_control.property<std::string>("SyslogIdentifier",
                                                 [](std::string_view) { return std::string{"machinistd"}; });
}

} // namespace machinist
