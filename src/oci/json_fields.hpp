// SPDX-License-Identifier: LGPL-2.1-or-later
// The members of a JSON object that nobody vouches for: each is asked for by its name and type, what has another type
// is a problem, and what nobody asked for is told.
#pragma once

#include "spec/problem.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#define JSON_NO_IO
#include <nlohmann/json.hpp>

namespace machinist::oci {

using Json = nlohmann::json;

// Of one document.
struct Findings {
    std::string document; // "config.json": begins each sentence
    Problems problems;
    Problems warnings;

    // place: "process.args"
    void refuse(const std::string& place, std::string_view predicate, std::string remedy = {},
                FailureKind kind = FailureKind::invalid);
    void warn(const std::string& place, std::string_view predicate);
};

// Nothing, and a problem, if it is no JSON, no object, or nested deeper than anything that means something.
std::optional<Json> parse_document(std::string_view text, Findings& findings);

class Fields {
public:
    Fields(const Json& object, std::string place, Findings& findings);
    Fields(Fields&&) = default;
    Fields& operator=(Fields&&) = delete;

    // Whoever has asked for all that it knows calls this: a warning for each other member.
    void told_all();

    // Nothing if it is not there or null.
    std::optional<std::string> text(const char* name);
    std::optional<bool> flag(const char* name);
    std::optional<std::int64_t> number(const char* name);
    std::optional<std::uint64_t> natural(const char* name);
    std::vector<std::string> texts(const char* name);
    std::vector<std::uint64_t> naturals(const char* name);
    std::vector<std::pair<std::string, std::string>> text_pairs(const char* name);
    std::optional<Fields> object(const char* name);
    std::vector<Fields> objects(const char* name);
    // Of an object whose members' names are not known before.
    std::vector<std::pair<std::string, Fields>> named_objects(const char* name);
    [[nodiscard]] bool has(const char* name) const; // and is not empty: null, [], {} and "" are
    // Known, and left alone in silence.
    void pass_over(const char* name);
    // Known, and not done: a warning, or a problem, if it is there and says something.
    void not_done(const char* name, std::string_view predicate);
    void refused(const char* name, std::string_view predicate, std::string remedy = {});

    [[nodiscard]] std::string place_of(std::string_view name) const;
    [[nodiscard]] Findings& findings() const {
        return *findings_;
    }

private:
    const Json* find(const char* name);

    const Json* object_;
    std::string place_;
    Findings* findings_;
    std::set<std::string> known_;
};

} // namespace machinist::oci
