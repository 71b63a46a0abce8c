// SPDX-License-Identifier: LGPL-2.1-or-later
// Packs a stream, on as many processors as there are where the format lets it.
#pragma once

#include "transfer/compression.hpp"

#include <functional>
#include <memory>

namespace machinist {

class Encoder {
public:
    using Sink = std::function<void(Bytes)>;

    Encoder() = default;
    Encoder(const Encoder&) = delete;
    Encoder& operator=(const Encoder&) = delete;
    virtual ~Encoder() = default;

    // What is packed by now goes to the sink, in the calling thread.
    virtual void encode(Bytes bytes, const Sink& sink) = 0;
    virtual void finish(const Sink& sink) = 0;
};

std::unique_ptr<Encoder> make_encoder(Compression compression);

// One gzip stream, made of blocks that are packed beside each other.
std::unique_ptr<Encoder> make_gzip_encoder(unsigned processors);

} // namespace machinist
