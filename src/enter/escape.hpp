// SPDX-License-Identifier: LGPL-2.1-or-later
// The keys that leave a session which does not answer any more: ^] three times within a second.
#pragma once

#include <chrono>
#include <string_view>

namespace machinist::enter {

class EscapeKey {
public:
    using Time = std::chrono::steady_clock::time_point;

    bool seen_in(std::string_view typed, Time now) {
        for (const char byte : typed) {
            if (byte != key || now - first_ > within)
                count_ = 0;
            if (byte != key)
                continue;
            if (count_ == 0)
                first_ = now;
            if (++count_ == times)
                return true;
        }
        return false;
    }

private:
    static constexpr char key = 0x1d;
    static constexpr int times = 3;
    static constexpr std::chrono::seconds within{1};

    Time first_{};
    int count_ = 0;
};

} // namespace machinist::enter
