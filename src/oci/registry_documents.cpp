// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/registry_documents.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "oci/json_fields.hpp"

namespace machinist::oci {

namespace {

constexpr std::size_t longest_token = 65536;

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/,";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char byte : text) {
        if (plain.find(byte) != std::string_view::npos) {
            encoded += byte;
            continue;
        }
        const auto value = static_cast<unsigned char>(byte);
        encoded.append("%").append(1, digits[value >> 4]).append(1, digits[value & 15]);
    }
    return encoded;
}

// NAME="VALUE" or NAME=VALUE, taken from the front of text.
std::optional<std::pair<std::string, std::string>> take_parameter(std::string_view& text) {
    while (text.starts_with(',') || text.starts_with(' '))
        text.remove_prefix(1);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
        return std::nullopt;
    std::pair<std::string, std::string> found{lower_case(trimmed(text.substr(0, equals))), ""};
    text.remove_prefix(equals + 1);
    if (!text.starts_with('"')) {
        const auto end = std::min(text.find(','), text.size());
        found.second = trimmed(text.substr(0, end));
        text.remove_prefix(end);
        return found;
    }
    std::size_t at = 1;
    for (; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size())
            ++at;
        found.second += text[at];
    }
    if (at == text.size())
        return std::nullopt;
    text.remove_prefix(at + 1);
    return found;
}

bool is_printable(std::string_view text) {
    return !has_control_characters(text) && is_utf8(text);
}

// "https://host/v1/" is written by some, and means the host.
std::string_view without_scheme(std::string_view key) {
    for (const std::string_view scheme : {"https://", "http://"})
        if (key.starts_with(scheme)) {
            key.remove_prefix(scheme.size());
            return key.substr(0, key.find('/'));
        }
    return key;
}

} // namespace

std::optional<Challenge> Challenge::parse(std::string_view header) {
    header = trimmed(header);
    const auto blank = header.find(' ');
    const std::string scheme = lower_case(header.substr(0, blank));
    if ((scheme != "bearer" && scheme != "basic") || header.size() > 8192 || !is_printable(header))
        return std::nullopt;
    Challenge challenge{.wants_token = scheme == "bearer", .realm = {}, .service = {}, .scope = {}};
    std::string_view rest = blank == std::string_view::npos ? std::string_view{} : header.substr(blank + 1);
    while (const auto parameter = take_parameter(rest)) {
        if (parameter->first == "realm")
            challenge.realm = parameter->second;
        else if (parameter->first == "service")
            challenge.service = parameter->second;
        else if (parameter->first == "scope")
            challenge.scope = parameter->second;
    }
    return challenge.wants_token && challenge.realm.empty() ? std::nullopt : std::optional{challenge};
}

std::string Challenge::token_url() const {
    std::string url = realm;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty())
            url.append(url.find('?') == std::string::npos ? "?" : "&")
                .append(name)
                .append("=")
                .append(percent_encoded(value));
    };
    add("service", service);
    add("scope", scope);
    return url;
}

std::string read_token(std::string_view text) {
    Findings findings{"answer of the token service", {}, {}};
    const auto json = parse_document(text, findings);
    if (!json)
        throw failure_of(findings.problems);
    Fields fields{*json, "", findings};
    auto token = fields.text("token");
    if (!token)
        token = fields.text("access_token");
    if (!token || token->empty() || token->size() > longest_token || !is_printable(*token) ||
        token->find(' ') != std::string::npos)
        throw Failure{FailureKind::hostile, "the answer of the token service has no token"};
    return *token;
}

std::optional<std::string> read_credentials(std::string_view text, std::string_view registry, std::string_view name) {
    Findings findings{"file of credentials", {}, {}};
    const auto json = parse_document(text, findings);
    if (!json)
        throw failure_of(findings.problems);
    const auto entries = json->find("auths");
    if (entries == json->end() || !entries->is_object())
        return std::nullopt;
    const std::string whole = std::string{registry} + "/" + std::string{name};
    std::size_t best = 0;
    std::optional<std::string> found;
    for (const auto& [key, entry] : entries->items()) {
        const std::string_view place = without_scheme(key);
        const bool fits = place == registry || whole == place || whole.starts_with(std::string{place} + "/");
        if (!fits || place.size() < best || !entry.is_object())
            continue;
        Fields fields{entry, key, findings};
        const auto secret = fields.text("auth");
        const auto decoded = secret ? from_base64(*secret) : std::nullopt;
        if (!decoded || decoded->find(':') == std::string::npos || has_control_characters(*decoded))
            continue;
        best = place.size();
        found = *secret;
    }
    return found;
}

} // namespace machinist::oci
