// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/random_suffix.hpp"

#include "base/failure.hpp"

#include <cstdint>
#include <cstdio>
#include <sys/random.h>

namespace machinist {

std::string random_suffix() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number)
        throw system_failure("get random bytes");
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
    return digits;
}

} // namespace machinist
