// SPDX-License-Identifier: LGPL-2.1-or-later
#include "varlink/parameters.hpp"

#include <limits>

namespace machinist::varlink {

namespace {

// A NUL would cut the text off wherever it is handed on.
std::string text_in(const nlohmann::json& value, const char* name) {
    if (!value.is_string())
        throw InvalidParameter{name};
    auto text = value.get<std::string>();
    if (text.contains('\0'))
        throw InvalidParameter{name};
    return text;
}

} // namespace

const nlohmann::json* Parameters::value(const char* name) {
    read_.insert(name);
    const auto found = of_.find(name);
    return found == of_.end() || found->is_null() ? nullptr : &*found;
}

std::string Parameters::text(const char* name) {
    auto text = optional_text(name);
    if (!text)
        throw InvalidParameter{name};
    return std::move(*text);
}

std::optional<std::string> Parameters::optional_text(const char* name) {
    const auto* found = value(name);
    return found == nullptr ? std::nullopt : std::optional{text_in(*found, name)};
}

std::optional<bool> Parameters::optional_bool(const char* name) {
    const auto* found = value(name);
    if (found == nullptr)
        return std::nullopt;
    if (!found->is_boolean())
        throw InvalidParameter{name};
    return found->get<bool>();
}

std::optional<std::uint64_t> Parameters::optional_number(const char* name) {
    const auto* found = value(name);
    if (found == nullptr)
        return std::nullopt;
    if (!found->is_number_unsigned())
        throw InvalidParameter{name};
    return found->get<std::uint64_t>();
}

std::optional<std::int64_t> Parameters::optional_signed(const char* name) {
    const auto* found = value(name);
    if (found == nullptr)
        return std::nullopt;
    const bool too_large = found->is_number_unsigned() &&
                           found->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!found->is_number_integer() || too_large)
        throw InvalidParameter{name};
    return found->get<std::int64_t>();
}

std::optional<std::vector<std::string>> Parameters::optional_texts(const char* name) {
    const auto* found = value(name);
    if (found == nullptr)
        return std::nullopt;
    if (!found->is_array())
        throw InvalidParameter{name};
    std::vector<std::string> texts;
    for (const auto& one : *found)
        texts.push_back(text_in(one, name));
    return texts;
}

std::optional<std::vector<std::int32_t>> Parameters::optional_numbers(const char* name) {
    const auto* found = value(name);
    if (found == nullptr)
        return std::nullopt;
    if (!found->is_array())
        throw InvalidParameter{name};
    std::vector<std::int32_t> numbers;
    for (const auto& one : *found) {
        if (!one.is_number_unsigned() || one.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max())
            throw InvalidParameter{name};
        numbers.push_back(one.get<std::int32_t>());
    }
    return numbers;
}

std::optional<std::string> Parameters::optional_word(const char* name, const std::set<std::string>& words) {
    auto text = optional_text(name);
    if (text && !words.contains(*text))
        throw InvalidParameter{name};
    return text;
}

const nlohmann::json* Parameters::object(const char* name) {
    const auto* found = value(name);
    if (found != nullptr && !found->is_object())
        throw InvalidParameter{name};
    return found;
}

const nlohmann::json* Parameters::array(const char* name) {
    const auto* found = value(name);
    if (found != nullptr && !found->is_array())
        throw InvalidParameter{name};
    return found;
}

void Parameters::end() const {
    for (const auto& [name, ignored] : of_.items())
        if (!read_.contains(name))
            throw InvalidParameter{name};
}

} // namespace machinist::varlink
