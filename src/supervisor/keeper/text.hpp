// SPDX-License-Identifier: LGPL-2.1-or-later
// Text of bounded length on the stack: the supervisor has no heap. What does not fit is cut, and that is remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace machinist::keeper {

template <std::size_t capacity>
class Text {
public:
    Text() {
        data_[0] = '\0';
    }
    Text& operator<<(std::string_view more) {
        std::size_t count = more.size();
        if (count > capacity - length_) {
            count = capacity - length_;
            cut_ = true;
        }
        // An empty view may be of nothing at all.
        if (count > 0)
            std::memcpy(data_ + length_, more.data(), count);
        length_ += count;
        data_[length_] = '\0';
        return *this;
    }
    Text& operator<<(char one) {
        return *this << std::string_view{&one, 1};
    }
    Text& operator<<(std::uint64_t number) {
        char digits[20];
        std::size_t first = sizeof digits;
        do
            digits[--first] = static_cast<char>('0' + number % 10);
        while ((number /= 10) != 0);
        return *this << std::string_view{digits + first, sizeof digits - first};
    }
    Text& operator<<(std::uint32_t number) {
        return *this << std::uint64_t{number};
    }
    Text& operator<<(int number) {
        if (number < 0)
            *this << '-';
        return *this << static_cast<std::uint64_t>(number < 0 ? -static_cast<std::int64_t>(number) : number);
    }

    void clear() {
        length_ = 0;
        data_[0] = '\0';
        cut_ = false;
    }
    [[nodiscard]] bool empty() const {
        return length_ == 0;
    }
    [[nodiscard]] bool cut() const {
        return cut_;
    }
    [[nodiscard]] std::string_view view() const {
        return {data_, length_};
    }
    [[nodiscard]] const char* c_str() const {
        return data_;
    }

private:
    std::size_t length_ = 0;
    bool cut_ = false;
    // Not cleared: a page that is never written costs nothing.
    char data_[capacity + 1];
};

// The part of text before the first separator; text is left with what follows it.
inline std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view head{text.data(), end == std::string_view::npos ? text.size() : end};
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return head;
}

// Nothing but decimal digits, or false.
inline bool parse_number(std::string_view digits, std::uint64_t& number) {
    if (digits.empty() || digits.size() > 19)
        return false;
    number = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9')
            return false;
        number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return true;
}

} // namespace machinist::keeper
