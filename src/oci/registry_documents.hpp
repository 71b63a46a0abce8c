// SPDX-License-Identifier: LGPL-2.1-or-later
// What is said about rights when an image is asked for in a registry. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist::oci {

// What a registry answers to whoever has no right yet: "Bearer realm=..., service=..., scope=...".
struct Challenge {
    bool wants_token = false; // else the credentials themselves
    std::string realm;        // URL of whoever gives tokens
    std::string service;
    std::string scope;

    // Nothing for what is not understood.
    static std::optional<Challenge> parse(std::string_view header);
    // Where a token is asked for.
    [[nodiscard]] std::string token_url() const;
};

// Of the answer to that. Throws Failure.
std::string read_token(std::string_view text);

// "USER:PASSWORD" in base64, for the most special entry of a containers-auth.json(5) that fits. Nothing if there is
// none. Throws Failure for text that is no such file.
std::optional<std::string> read_credentials(std::string_view text, std::string_view registry, std::string_view name);

} // namespace machinist::oci
