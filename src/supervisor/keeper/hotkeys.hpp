// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the keys meant for us in what is typed: ^]^]^], ^]^]p and ^]^]r, each within one second.
#pragma once

#include "supervisor/keeper/clock.hpp"

#include <cstddef>
#include <span>

namespace machinist::keeper {

class Hotkeys {
public:
    enum class Action { none, kill, power_off, reboot };

    // Copies what the machine shall get; all but the last key of a sequence is forwarded as it comes, so that typing
    // ^] has no delay. Stops after a sequence: look at take() before the rest.
    std::size_t forward(std::span<const char>& in, std::span<char> room, Milliseconds time);
    Action take();

private:
    Action action_of(char key, Milliseconds time);

    static constexpr char escape = 0x1d;
    static constexpr Milliseconds within = 1000;
    Action found_ = Action::none;
    int presses_ = 0; // of escape, in a row, at most 2 remembered
    Milliseconds first_ = 0;
    Milliseconds second_ = 0;
};

} // namespace machinist::keeper
