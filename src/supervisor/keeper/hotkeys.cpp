// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/hotkeys.hpp"

#include <utility>

namespace machinist::keeper {

std::size_t Hotkeys::forward(std::span<const char>& in, std::span<char> room, Milliseconds time) {
    std::size_t count = 0;
    while (!in.empty() && count < room.size() && found_ == Action::none) {
        const char key = in.front();
        in = in.subspan(1);
        found_ = action_of(key, time);
        if (found_ == Action::none)
            room[count++] = key;
    }
    return count;
}

Hotkeys::Action Hotkeys::take() {
    return std::exchange(found_, Action::none);
}

Hotkeys::Action Hotkeys::action_of(char key, Milliseconds time) {
    const bool armed = presses_ == 2 && time - first_ <= within;
    if (key != escape) {
        presses_ = 0;
        return !armed ? Action::none : key == 'p' ? Action::power_off : key == 'r' ? Action::reboot : Action::none;
    }
    if (armed) {
        presses_ = 0;
        return Action::kill;
    }
    // The last two presses count: a slow first one must not spoil three quick ones.
    if (presses_ == 2)
        first_ = second_;
    else if (++presses_ == 1)
        first_ = time;
    second_ = time;
    return Action::none;
}

} // namespace machinist::keeper
