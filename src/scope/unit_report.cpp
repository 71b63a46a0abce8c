// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/unit_report.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"

namespace machinist {

namespace {

std::string line(std::string_view key, const std::optional<Failure>& failure) {
    return failure ? std::string{key} + " " + base64(failure->serialize()) + "\n" : "";
}

std::optional<Failure> failure_in(std::string_view text) {
    const auto bytes = from_base64(text);
    return bytes ? Failure::deserialize(*bytes) : std::nullopt;
}

} // namespace

std::string write_unit_report(const UnitReport& report) {
    return std::string{report.has_bus ? "bus\n" : ""} + (report.is_listed ? "listed\n" : "") +
           line("unlisted", report.why_not_listed) + line("failed", report.failure) + "end\n";
}

UnitReport read_unit_report(std::string_view text) {
    UnitReport report;
    for (const std::string_view entry : split(text, '\n')) {
        const std::string_view key = entry.substr(0, entry.find(' '));
        const std::string_view value = key.size() < entry.size() ? entry.substr(key.size() + 1) : "";
        if (key == "bus")
            report.has_bus = true;
        else if (key == "listed")
            report.is_listed = true;
        else if (key == "unlisted")
            report.why_not_listed = failure_in(value);
        else if (key == "failed")
            report.failure = failure_in(value);
        else if (key == "end")
            return report;
    }
    throw Failure{FailureKind::internal, "ask systemd for the machine's unit: machinist-unit has said nothing"};
}

} // namespace machinist
