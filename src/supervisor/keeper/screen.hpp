// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows the machine's output on its way to a terminal: where the cursor is, and that the tint stays.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace machinist::keeper {

class Screen {
public:
    // SGR parameters, "" for no tint; must live as long as this.
    explicit Screen(std::string_view background = {}) : background_(background) {}

    std::size_t paint(std::span<const char>& in, std::span<char> room);
    // True if a line was begun and not ended.
    [[nodiscard]] bool inside_a_line() const {
        return column_taken_;
    }

private:
    enum class State { text, escape, control_sequence, string, string_escape };
    // What is put after a byte, at most this much (two escape sequences).
    static constexpr std::size_t most_added = 64 + 3 + 3;

    std::string_view after(char byte);
    void follow_parameter(char byte);
    void end_parameter();

    std::string_view background_;
    State state_ = State::text;
    bool column_taken_ = false;
    // Of the control sequence being read
    int number_ = 0;
    int arguments_to_skip_ = 0; // 38;5;N and 38;2;R;G;B: colours, whose numbers are no attributes
    bool colour_follows_ = false;
    bool resets_background_ = false;
    bool soft_reset_ = false;
    char addition_[most_added];
};

} // namespace machinist::keeper
