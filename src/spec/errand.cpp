// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/errand.hpp"

#include "base/text.hpp"

#include <climits>

namespace machinist {

namespace {

constexpr char done = 'd';
constexpr char failed = 'f';

} // namespace

std::string done_message(std::string_view text) {
    return std::string{done}.append(text.substr(0, errand_text_limit));
}

std::string failed_message(const Failure& failure) {
    return std::string{failed} + failure.serialize();
}

std::string read_errand_message(std::string_view bytes) {
    if (!bytes.empty() && bytes.front() == done)
        return std::string{bytes.substr(1)};
    if (!bytes.empty() && bytes.front() == failed)
        if (auto failure = Failure::deserialize(bytes.substr(1)))
            throw std::move(*failure);
    throw Failure{FailureKind::hostile, "the process that entered the machine reports nonsense"};
}

void check_path_in_machine(std::string_view path) {
    const auto refuse = [&](const char* why) {
        constexpr std::size_t longest_shown = 200;
        throw Failure{FailureKind::invalid, "path '" + escaped_for_people(path.substr(0, longest_shown)) + "' " + why};
    };
    if (!path.starts_with('/'))
        refuse("is not absolute");
    if (path.size() >= PATH_MAX)
        refuse("is too long");
    if (path.contains('\0'))
        refuse("has a NUL in it");
    for (const std::string_view part : split(path, '/'))
        if (part == "..")
            refuse("has '..' in it");
}

} // namespace machinist
