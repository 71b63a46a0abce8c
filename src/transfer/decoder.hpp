// SPDX-License-Identifier: LGPL-2.1-or-later
// Unpacks a compressed stream, however it is cut into pieces. Streams behind each other are one, as the tools of each
// compression have it; anything else behind a stream is refused.
#pragma once

#include "transfer/compression.hpp"

#include <memory>

namespace machinist {

class Decoder {
public:
    struct Step {
        std::size_t taken = 0;
        std::size_t made = 0;
    };

    Decoder() = default;
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    virtual ~Decoder() = default;

    // Goes on until all of input is taken or output is full. last: nothing comes behind input. Throws Failure(hostile)
    // for what is no such stream.
    virtual Step decode(Bytes input, WritableBytes output, bool last) = 0;
    // Asked when all input is taken and nothing more is made: false means that the rest is missing.
    [[nodiscard]] virtual bool is_complete() const = 0;
};

// Failure(internal) for none.
std::unique_ptr<Decoder> make_decoder(Compression compression);

} // namespace machinist
