// SPDX-License-Identifier: LGPL-2.1-or-later
// Milliseconds of the monotonic clock, and points in time on it.
#pragma once

#include <cstdint>
#include <time.h>

namespace machinist::keeper {

using Milliseconds = std::uint64_t;
inline constexpr Milliseconds never = UINT64_MAX;

inline Milliseconds now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<Milliseconds>(time.tv_sec) * 1000 + static_cast<Milliseconds>(time.tv_nsec) / 1000000;
}

// For poll and epoll: -1 waits for ever. Rounded up, so that the point has passed on return.
inline int timeout_until(Milliseconds point) {
    if (point == never)
        return -1;
    const Milliseconds present = now();
    if (point <= present)
        return 0;
    return point - present >= 3600000 ? 3600000 : static_cast<int>(point - present + 1);
}

} // namespace machinist::keeper
