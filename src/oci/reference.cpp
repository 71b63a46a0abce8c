// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/reference.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace machinist::oci {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view small_letters = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool consists_of(std::string_view text, std::string_view set, std::string_view more = "") {
    return !text.empty() && std::ranges::all_of(text, [&](char byte) {
        return set.find(byte) != std::string_view::npos || more.find(byte) != std::string_view::npos;
    });
}

bool is_port(std::string_view text) {
    const auto port = parse_integer<std::uint16_t>(text);
    return port && *port != 0 && consists_of(text, digits);
}

// Host and port, without what a URL could have beside them.
bool is_authority(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        return end != std::string_view::npos && consists_of(text.substr(1, end - 1), "0123456789abcdefABCDEF:.") &&
               (end + 1 == text.size() || (text[end + 1] == ':' && is_port(text.substr(end + 2))));
    }
    const auto colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    return consists_of(host, letters, "-.") && host.size() <= 253 && !host.starts_with('.') && !host.starts_with('-') &&
           (colon == std::string_view::npos || is_port(text.substr(colon + 1)));
}

// A component: groups of letters and digits with ".", "_", "__" or dashes between them.
bool is_component(std::string_view text) {
    if (!consists_of(text, small_letters, "._-"))
        return false;
    const auto is_separator = [](char byte) { return byte == '.' || byte == '_' || byte == '-'; };
    if (is_separator(text.front()) || is_separator(text.back()))
        return false;
    for (const std::string_view bad : {"..", "___", "._", "_.", ".-", "-.", "_-", "-_"})
        if (text.find(bad) != std::string_view::npos)
            return false;
    return true;
}

bool is_tag(std::string_view text) {
    return text.size() <= 128 && consists_of(text, letters, "_.-") && text.front() != '.' && text.front() != '-';
}

} // namespace

std::optional<Reference> Reference::parse(std::string_view text) {
    Reference reference;
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || text.size() > 1000)
        return std::nullopt;
    reference.registry = text.substr(0, slash);
    std::string_view rest = text.substr(slash + 1);
    if (const auto at = rest.find('@'); at != std::string_view::npos) {
        reference.digest = Digest::parse(rest.substr(at + 1));
        if (!reference.digest)
            return std::nullopt;
        rest = rest.substr(0, at);
    }
    if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
        reference.tag = rest.substr(colon + 1);
        if (!is_tag(reference.tag))
            return std::nullopt;
        rest = rest.substr(0, colon);
    } else if (!reference.digest) {
        reference.tag = "latest";
    }
    reference.name = rest;
    // What has neither dot nor port is the first part of a name without a registry.
    const bool names_a_host =
        reference.registry.find_first_of(".:") != std::string::npos || reference.registry == "localhost";
    const bool is_name = rest.size() <= 255 && std::ranges::all_of(split(rest, '/'), is_component);
    return names_a_host && is_authority(reference.registry) && is_name ? std::optional{reference} : std::nullopt;
}

std::string Reference::text() const {
    return registry + "/" + name + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->text() : "");
}

std::string Reference::short_name() const {
    return name.substr(name.rfind('/') + 1);
}

bool Reference::is_on_this_host() const {
    return is_loopback(registry);
}

bool is_loopback(std::string_view authority) {
    if (authority.starts_with('['))
        return authority.starts_with("[::1]");
    const std::string_view host = authority.substr(0, authority.find(':'));
    const auto parts = split(host, '.');
    return host == "localhost" ||
           (parts.size() == 4 && parts[0] == "127" && std::ranges::all_of(parts, [](std::string_view part) {
                return parse_integer<std::uint8_t>(part).has_value();
            }));
}

} // namespace machinist::oci
