// SPDX-License-Identifier: LGPL-2.1-or-later
// A name that nobody guesses: hexadecimal digits of random bytes.
#pragma once

#include <cstddef>
#include <sys/random.h>

namespace machinist::keeper {

// Fills name up to its terminating zero; false if the kernel gives no random bytes (name is "" then).
template <std::size_t size>
bool random_name(char (&name)[size]) {
    unsigned char bytes[size / 2];
    name[0] = '\0';
    if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
        return false;
    for (std::size_t i = 0; i + 1 < size; ++i)
        name[i] = "0123456789abcdef"[(bytes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
    name[size - 1] = '\0';
    return true;
}

} // namespace machinist::keeper
