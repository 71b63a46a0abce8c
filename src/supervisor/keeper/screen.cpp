// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/screen.hpp"

#include "supervisor/keeper/text.hpp"

#include <algorithm>
#include <cstring>

namespace machinist::keeper {

std::size_t Screen::paint(std::span<const char>& in, std::span<char> room) {
    std::size_t count = 0;
    while (!in.empty() && room.size() - count > most_added) {
        const char byte = in.front();
        in = in.subspan(1);
        room[count++] = byte;
        const std::string_view added = after(byte);
        std::copy(added.begin(), added.end(), room.data() + count);
        count += added.size();
    }
    return count;
}

std::string_view Screen::after(char byte) {
    const State state = state_;
    bool tint = false;
    std::string_view erase;
    switch (state) {
    case State::text:
        if (byte == '\033')
            state_ = State::escape;
        else if (byte == '\n' || byte == '\r')
            column_taken_ = false;
        else if (static_cast<unsigned char>(byte) >= ' ')
            column_taken_ = true;
        // A new line that scrolls in takes the colour that is set at that moment, up to its end.
        tint = byte == '\n';
        erase = "\033[K";
        break;
    case State::escape:
        state_ = byte == '['                                                               ? State::control_sequence
                 : byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_' ? State::string
                 : byte >= ' ' && byte <= '/'                                              ? State::escape
                                                                                           : State::text;
        number_ = arguments_to_skip_ = 0;
        colour_follows_ = soft_reset_ = resets_background_ = false;
        tint = byte == 'c';
        erase = "\033[J";
        break;
    case State::control_sequence:
        if (byte >= '@' && byte <= '~') {
            state_ = State::text;
            if (byte == 'm')
                end_parameter();
            tint = (byte == 'm' && resets_background_) || (byte == 'p' && soft_reset_);
        } else
            follow_parameter(byte);
        break;
    case State::string:
        state_ = byte == '\a' ? State::text : byte == '\033' ? State::string_escape : State::string;
        break;
    case State::string_escape: state_ = byte == '\\' ? State::text : State::string; break;
    }
    if (!tint || background_.empty())
        return {};
    Text<most_added> addition;
    addition << "\033[" << background_ << 'm' << erase;
    std::memcpy(addition_, addition.c_str(), addition.view().size());
    return {addition_, addition.view().size()};
}

void Screen::follow_parameter(char byte) {
    if (byte >= '0' && byte <= '9')
        number_ = number_ < 1000 ? number_ * 10 + (byte - '0') : number_;
    else if (byte == ';' || byte == ':')
        end_parameter();
    else if (byte == '!')
        soft_reset_ = true;
}

void Screen::end_parameter() {
    const int number = number_;
    number_ = 0;
    if (colour_follows_) {
        colour_follows_ = false;
        arguments_to_skip_ = number == 2 ? 3 : number == 5 ? 1 : 0;
    } else if (arguments_to_skip_ > 0)
        --arguments_to_skip_;
    else if (number == 0 || number == 49)
        resets_background_ = true;
    else if ((number >= 40 && number <= 48) || (number >= 100 && number <= 107)) {
        resets_background_ = false;
        colour_follows_ = number == 48;
    } else
        colour_follows_ = number == 38 || number == 58;
}

} // namespace machinist::keeper
