// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/yaml_reading.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <system_error>
#include <vector>
#include <yaml.h>

namespace machinist::dissect {

namespace {

constexpr std::size_t deepest_nesting = 64;

class Events {
public:
    explicit Events(std::string_view text) {
        if (::yaml_parser_initialize(&parser_) == 0)
            throw Failure{FailureKind::system, "read YAML: there is no memory"};
        ::yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;
    ~Events() {
        ::yaml_event_delete(&event_);
        ::yaml_parser_delete(&parser_);
    }

    // Valid until the next.
    const yaml_event_t& next() {
        ::yaml_event_delete(&event_);
        if (::yaml_parser_parse(&parser_, &event_) == 0)
            refuse(parser_.problem_mark.line, parser_.problem != nullptr ? parser_.problem : "is no YAML");
        return event_;
    }

    [[noreturn]] void refuse(const char* why) const {
        refuse(event_.start_mark.line, why);
    }

private:
    [[noreturn]] static void refuse(std::size_t line, const char* why) {
        throw Failure{FailureKind::invalid, "line " + std::to_string(line + 1) + ": " + why};
    }

    yaml_parser_t parser_{};
    yaml_event_t event_{};
};

std::string quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string json = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            json.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
        else if (c == '"' || c == '\\')
            json.append(1, '\\').append(1, c);
        else
            json.append(1, c);
    }
    return json + "\"";
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

std::optional<std::string> whole_number(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    const std::string_view digits = text.substr(is_negative || text.starts_with('+') ? 1 : 0);
    int base = 10;
    std::string_view rest = digits;
    if (digits.starts_with("0x") || digits.starts_with("0o")) {
        base = digits[1] == 'x' ? 16 : 8;
        rest = digits.substr(2);
    } else if (digits.size() > 1 && digits[0] == '0') {
        base = 8;
        rest = digits.substr(1);
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
    if (rest.empty() || error != std::errc{} || end != rest.data() + rest.size() || value > INT64_MAX)
        return std::nullopt;
    return (is_negative ? "-" : "") + std::to_string(value);
}

std::string plain_word(std::string_view text) {
    if (is_one_of(text, {"", "~", "null", "Null", "NULL"}))
        return "null";
    if (is_one_of(text, {"true", "True", "TRUE"}))
        return "true";
    if (is_one_of(text, {"false", "False", "FALSE"}))
        return "false";
    return whole_number(text).value_or(quoted(text));
}

struct Level {
    bool is_mapping = false;
    std::size_t count = 0; // of what was written: in a mapping keys and values
};

class Writing {
public:
    explicit Writing(Events& events) : events_{events} {}

    // One value and all that is in it.
    std::string run() {
        do
            take(events_.next());
        while (!open_.empty());
        return std::move(json_);
    }

private:
    void take(const yaml_event_t& event) {
        switch (event.type) {
        case YAML_SCALAR_EVENT: return scalar(event);
        case YAML_SEQUENCE_START_EVENT:
            refuse_marks(event.data.sequence_start.anchor, event.data.sequence_start.tag);
            return begin(false);
        case YAML_MAPPING_START_EVENT:
            refuse_marks(event.data.mapping_start.anchor, event.data.mapping_start.tag);
            return begin(true);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT: json_ += open_.back().is_mapping ? '}' : ']'; return open_.pop_back();
        case YAML_ALIAS_EVENT: events_.refuse("has an alias, which is not done");
        default: events_.refuse("has no value");
        }
    }

    void refuse_marks(const void* anchor, const void* tag) const {
        if (anchor != nullptr || tag != nullptr)
            events_.refuse("has an anchor or a tag, which is not done");
    }

    [[nodiscard]] bool is_key() const {
        return !open_.empty() && open_.back().is_mapping && open_.back().count % 2 == 0;
    }

    void separate() {
        if (open_.empty())
            return;
        Level& level = open_.back();
        if (level.is_mapping && level.count % 2 == 1)
            json_ += ':';
        else if (level.count > 0)
            json_ += ',';
        ++level.count;
    }

    void scalar(const yaml_event_t& event) {
        const auto& found = event.data.scalar;
        refuse_marks(found.anchor, found.tag);
        const std::string_view text{reinterpret_cast<const char*>(found.value), found.length};
        const bool is_text = is_key() || found.style != YAML_PLAIN_SCALAR_STYLE;
        separate();
        json_ += is_text ? quoted(text) : plain_word(text);
    }

    void begin(bool is_mapping) {
        if (is_key())
            events_.refuse("has a key that is no word");
        if (open_.size() >= deepest_nesting)
            events_.refuse("is nested too deeply");
        separate();
        json_ += is_mapping ? '{' : '[';
        open_.push_back({is_mapping, 0});
    }

    Events& events_;
    std::string json_;
    std::vector<Level> open_;
};

} // namespace

std::string json_of_yaml(std::string_view text) {
    Events events{text};
    (void)events.next(); // the stream begins
    if (events.next().type != YAML_DOCUMENT_START_EVENT)
        events.refuse("has no document");
    std::string json = Writing{events}.run();
    (void)events.next(); // the document ends
    if (events.next().type != YAML_STREAM_END_EVENT)
        events.refuse("has a second document");
    return json;
}

} // namespace machinist::dissect
