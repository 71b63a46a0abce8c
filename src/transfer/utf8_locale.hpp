// SPDX-License-Identifier: LGPL-2.1-or-later
// UTF-8 for the calling thread, as long as it lives: libarchive hands out names in the locale's encoding only.
#pragma once

#include "base/failure.hpp"

#include <locale.h>

namespace machinist {

class Utf8Locale {
public:
    Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (locale_ == nullptr)
            throw system_failure("take the locale 'C.UTF-8'");
        before_ = ::uselocale(locale_);
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    ~Utf8Locale() {
        ::uselocale(before_);
        ::freelocale(locale_);
    }

private:
    locale_t locale_;
    locale_t before_ = nullptr;
};

} // namespace machinist
