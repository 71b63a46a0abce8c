// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/volume_text.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <initializer_list>

namespace machinist {

namespace {

constexpr std::size_t longest_name = 255;

// The provider's is the name of a socket.
bool is_provider(std::string_view name) {
    return !name.empty() && name.size() <= longest_name && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && !has_control_characters(name) && is_utf8(name);
}

bool is_volume(std::string_view name) {
    return !name.empty() && name.size() <= longest_name && !has_control_characters(name) && is_utf8(name);
}

Failure meaningless(std::string_view text, const std::string& why) {
    return Failure{FailureKind::invalid, "'" + escaped_for_people(text) + "' " + why};
}

std::string one_of(std::string_view value, std::initializer_list<std::string_view> known, std::string_view word) {
    if (std::ranges::find(known, value) == known.end())
        throw meaningless(word, "has a value that is not known");
    return std::string{value};
}

void read_option(VolumeWish& wish, std::string_view word) {
    const auto equals = word.find('=');
    const std::string_view key = word.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
    if (value.empty())
        throw meaningless(word, "is no KEY=VALUE");
    if (key == "create") {
        wish.create = one_of(value, {"any", "new", "open"}, word);
    } else if (key == "template") {
        wish.model = value;
    } else if (key == "request-as") {
        wish.request_as = one_of(value, {"blk", "reg", "dir"}, word);
    } else if (key == "read-only" || key == "ro") {
        wish.read_only = value == "auto" ? std::nullopt : parse_bool(value);
        if (!wish.read_only && value != "auto")
            throw meaningless(word, "is neither yes, no nor auto");
    } else if (key == "size" || key == "create-size") {
        wish.size = parse_size(value);
        if (!wish.size || *wish.size > std::uint64_t{INT64_MAX})
            throw meaningless(word, "is no size");
    } else {
        throw meaningless(word, "has none of the keys create, template, request-as, read-only and size");
    }
}

} // namespace

VolumeWish parse_volume(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 4 || !is_provider(parts[0]) || !is_volume(parts[1]))
        throw meaningless(text, "is no PROVIDER:VOLUME[:CONFIG[:KEY=VALUE,...]]");
    VolumeWish wish{.provider = std::string{parts[0]}, .volume = std::string{parts[1]}};
    if (parts.size() > 2)
        wish.config = parts[2];
    if (has_control_characters(wish.config))
        throw meaningless(text, "has control characters");
    if (parts.size() > 3)
        for (const std::string_view word : split(parts[3], ','))
            read_option(wish, word);
    return wish;
}

} // namespace machinist
