// SPDX-License-Identifier: LGPL-2.1-or-later
// SHA-256 of bytes as they come.
#pragma once

#include "transfer/compression.hpp"

#include <memory>
#include <string>

namespace machinist {

class Sha256 {
public:
    Sha256();
    void add(Bytes bytes);
    // 64 hexadecimal digits; nothing may be added afterwards.
    [[nodiscard]] std::string finish();

private:
    struct Context;
    struct Free {
        void operator()(Context* context) const;
    };
    std::unique_ptr<Context, Free> context_;
};

} // namespace machinist
