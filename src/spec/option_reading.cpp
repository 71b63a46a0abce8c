// SPDX-License-Identifier: LGPL-2.1-or-later
// The sentences about written values, and what several parsers read alike.
#include "spec/option_parsers.hpp"

#include "base/text.hpp"
#include "spec/mount_text.hpp"

namespace machinist {

namespace {

Problem problem_of(const Reading& reading, std::string_view predicate, std::string remedy) {
    std::string sentence = reading.place + reading.option + ": ";
    if (reading.has_value)
        sentence.append("'").append(escaped_for_people(reading.value)).append("' ");
    sentence.append(predicate);
    return {FailureKind::invalid, reading.option, std::string{reading.value}, sentence, std::move(remedy)};
}

} // namespace

void Reading::problem(std::string_view predicate, std::string remedy) const {
    // Whoever can write beside an image must not be able to keep it from starting.
    (trusted ? problems : warnings).push_back(problem_of(*this, predicate, std::move(remedy)));
}

void Reading::warn(std::string_view predicate, std::string remedy) const {
    warnings.push_back(problem_of(*this, predicate, std::move(remedy)));
}

namespace option_parsers {

std::optional<bool> boolean(const Reading& reading) {
    if (!reading.has_value)
        return true;
    const auto value = parse_bool(reading.value);
    if (!value)
        reading.problem("is neither yes nor no");
    return value;
}

std::optional<Path> absolute_path(const Reading& reading) {
    const auto path = destination_path(reading.value);
    if (!path)
        reading.problem("is no absolute path without '..'");
    return path;
}

bool asks_for_list(Reading& reading, const std::string& list) {
    if (reading.value != "help" || reading.from_file())
        return false;
    reading.request->listing = list;
    return true;
}

} // namespace option_parsers
} // namespace machinist
