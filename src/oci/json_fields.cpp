// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/json_fields.hpp"

#include "base/text.hpp"

namespace machinist::oci {

namespace {

constexpr int deepest_nesting = 64;
constexpr std::size_t longest_shown = 100;

std::string shown(std::string_view text) {
    return escaped_for_people(text.substr(0, longest_shown));
}

bool is_usable(const std::string& text) {
    return text.find('\0') == std::string::npos;
}

} // namespace

void Findings::refuse(const std::string& place, std::string_view predicate, std::string remedy, FailureKind kind) {
    problems.push_back(
        {kind, place, {}, document + ": '" + shown(place) + "' " + std::string{predicate}, std::move(remedy)});
}

void Findings::warn(const std::string& place, std::string_view predicate) {
    warnings.push_back(
        {FailureKind::invalid, place, {}, document + ": '" + shown(place) + "' " + std::string{predicate}, {}});
}

std::optional<Json> parse_document(std::string_view text, Findings& findings) {
    bool too_deep = false;
    const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > deepest_nesting;
        return !too_deep;
    };
    Json json = Json::parse(text.begin(), text.end(), watch, false);
    const char* why = too_deep              ? "is nested too deeply"
                      : json.is_discarded() ? "is no JSON"
                      : !json.is_object()   ? "is no JSON object"
                                            : nullptr;
    if (why == nullptr)
        return json;
    findings.problems.push_back({FailureKind::invalid, findings.document, {}, findings.document + " " + why, {}});
    return std::nullopt;
}

Fields::Fields(const Json& object, std::string place, Findings& findings)
    : object_(&object), place_(std::move(place)), findings_(&findings) {}

std::string Fields::place_of(std::string_view name) const {
    return place_.empty() ? std::string{name} : place_ + "." + std::string{name};
}

void Fields::told_all() {
    for (const auto& [name, value] : object_->items())
        if (!known_.contains(name))
            findings_->warn(place_of(name), "is not known, ignored");
}

const Json* Fields::find(const char* name) {
    known_.insert(name);
    const auto member = object_->find(name);
    return member == object_->end() || member->is_null() ? nullptr : &*member;
}

bool Fields::has(const char* name) const {
    const auto member = object_->find(name);
    if (member == object_->end() || member->is_null())
        return false;
    return member->is_string() ? !member->get_ref<const std::string&>().empty() : !member->empty();
}

std::optional<std::string> Fields::text(const char* name) {
    const Json* member = find(name);
    if (member == nullptr)
        return std::nullopt;
    if (member->is_string() && is_usable(member->get_ref<const std::string&>()))
        return member->get<std::string>();
    findings_->refuse(place_of(name), "is no text");
    return std::nullopt;
}

std::optional<bool> Fields::flag(const char* name) {
    const Json* member = find(name);
    if (member == nullptr)
        return std::nullopt;
    if (member->is_boolean())
        return member->get<bool>();
    findings_->refuse(place_of(name), "is neither true nor false");
    return std::nullopt;
}

std::optional<std::int64_t> Fields::number(const char* name) {
    const Json* member = find(name);
    if (member == nullptr)
        return std::nullopt;
    if (member->is_number_unsigned() && member->get<std::uint64_t>() <= INT64_MAX)
        return static_cast<std::int64_t>(member->get<std::uint64_t>());
    if (member->is_number_integer() && !member->is_number_unsigned())
        return member->get<std::int64_t>();
    findings_->refuse(place_of(name), "is no integer in its range");
    return std::nullopt;
}

std::optional<std::uint64_t> Fields::natural(const char* name) {
    const Json* member = find(name);
    if (member == nullptr)
        return std::nullopt;
    if (member->is_number_unsigned())
        return member->get<std::uint64_t>();
    findings_->refuse(place_of(name), "is no integer from 0 on");
    return std::nullopt;
}

std::vector<std::string> Fields::texts(const char* name) {
    std::vector<std::string> found;
    const Json* member = find(name);
    if (member == nullptr)
        return found;
    if (!member->is_array()) {
        findings_->refuse(place_of(name), "is no list");
        return found;
    }
    for (const Json& element : *member) {
        if (!element.is_string() || !is_usable(element.get_ref<const std::string&>())) {
            findings_->refuse(place_of(name), "has something that is no text");
            return {};
        }
        found.push_back(element.get<std::string>());
    }
    return found;
}

std::vector<std::uint64_t> Fields::naturals(const char* name) {
    std::vector<std::uint64_t> found;
    const Json* member = find(name);
    if (member == nullptr)
        return found;
    const bool is_list = member->is_array();
    for (std::size_t at = 0; is_list && at < member->size() && (*member)[at].is_number_unsigned(); ++at)
        found.push_back((*member)[at].get<std::uint64_t>());
    if (is_list && found.size() == member->size())
        return found;
    findings_->refuse(place_of(name), "is no list of integers from 0 on");
    return {};
}

std::vector<std::pair<std::string, std::string>> Fields::text_pairs(const char* name) {
    std::vector<std::pair<std::string, std::string>> found;
    const Json* member = find(name);
    if (member == nullptr)
        return found;
    if (!member->is_object()) {
        findings_->refuse(place_of(name), "is no object");
        return found;
    }
    for (const auto& [key, value] : member->items()) {
        if (!value.is_string() || !is_usable(key) || !is_usable(value.get_ref<const std::string&>())) {
            findings_->refuse(place_of(name), "has something that is no text");
            return {};
        }
        found.emplace_back(key, value.get<std::string>());
    }
    return found;
}

std::optional<Fields> Fields::object(const char* name) {
    const Json* member = find(name);
    if (member == nullptr)
        return std::nullopt;
    if (member->is_object())
        return Fields{*member, place_of(name), *findings_};
    findings_->refuse(place_of(name), "is no object");
    return std::nullopt;
}

std::vector<Fields> Fields::objects(const char* name) {
    std::vector<Fields> found;
    const Json* member = find(name);
    if (member == nullptr)
        return found;
    if (!member->is_array()) {
        findings_->refuse(place_of(name), "is no list");
        return found;
    }
    for (const Json& element : *member) {
        const std::string place = place_of(name) + "[" + std::to_string(found.size()) + "]";
        if (!element.is_object()) {
            findings_->refuse(place, "is no object");
            return {};
        }
        found.emplace_back(element, place, *findings_);
    }
    return found;
}

std::vector<std::pair<std::string, Fields>> Fields::named_objects(const char* name) {
    std::vector<std::pair<std::string, Fields>> found;
    const Json* member = find(name);
    if (member == nullptr)
        return found;
    if (!member->is_object()) {
        findings_->refuse(place_of(name), "is no object");
        return found;
    }
    for (const auto& [key, value] : member->items()) {
        const std::string place = place_of(name) + "." + key;
        if (!value.is_object() || !is_usable(key)) {
            findings_->refuse(place, "is no object");
            return {};
        }
        found.emplace_back(key, Fields{value, place, *findings_});
    }
    return found;
}

void Fields::pass_over(const char* name) {
    known_.insert(name);
}

void Fields::not_done(const char* name, std::string_view predicate) {
    pass_over(name);
    if (has(name))
        findings_->warn(place_of(name), predicate);
}

void Fields::refused(const char* name, std::string_view predicate, std::string remedy) {
    pass_over(name);
    if (has(name))
        findings_->refuse(place_of(name), predicate, std::move(remedy), FailureKind::not_supported);
}

} // namespace machinist::oci
