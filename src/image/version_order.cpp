// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/version_order.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace machinist {

namespace {

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool counts(char character) {
    return is_digit(character) || is_letter(character) || character == '-' || character == '.' || character == '~' ||
           character == '^';
}

std::string_view from_what_counts(std::string_view text) {
    const auto first = std::ranges::find_if(text, counts);
    return text.substr(static_cast<std::size_t>(first - text.begin()));
}

std::string_view leading(std::string_view text, bool (*belongs)(char)) {
    return text.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(text, belongs) - text.begin()));
}

int compare_numbers(std::string_view one, std::string_view other) {
    one.remove_prefix(std::min(one.find_first_not_of('0'), one.size()));
    other.remove_prefix(std::min(other.find_first_not_of('0'), other.size()));
    if (one.size() != other.size())
        return one.size() < other.size() ? -1 : 1;
    return one.compare(other);
}

// Separators in the order in which they make a version older; the end of a text is between the first and the second.
constexpr std::array separators{'~', '-', '^', '.'};

} // namespace

int compare_versions(std::string_view one, std::string_view other) {
    while (true) {
        one = from_what_counts(one);
        other = from_what_counts(other);
        bool separated = false;
        for (const char separator : separators) {
            const bool in_one = one.starts_with(separator);
            const bool in_other = other.starts_with(separator);
            if (in_one != in_other)
                return in_one ? -1 : 1;
            if (in_one) {
                one.remove_prefix(1);
                other.remove_prefix(1);
                separated = true;
                break;
            }
            if (separator == '~' && (one.empty() || other.empty()))
                return static_cast<int>(!one.empty()) - static_cast<int>(!other.empty());
        }
        if (separated)
            continue;
        const bool numbers = is_digit(one.front()) || is_digit(other.front());
        const std::string_view part_of_one = leading(one, numbers ? is_digit : is_letter);
        const std::string_view part_of_other = leading(other, numbers ? is_digit : is_letter);
        // A number is newer than letters: "1a" < "11".
        if (numbers && part_of_one.empty() != part_of_other.empty())
            return part_of_one.empty() ? -1 : 1;
        const int order = numbers ? compare_numbers(part_of_one, part_of_other) : part_of_one.compare(part_of_other);
        if (order != 0)
            return order;
        one.remove_prefix(part_of_one.size());
        other.remove_prefix(part_of_other.size());
    }
}

} // namespace machinist
