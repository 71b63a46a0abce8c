// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes packed by the libraries themselves, in one call each.
#pragma once

#include "transfer/compression.hpp"

#include <bzlib.h>
#include <lzma.h>
#include <stdexcept>
#include <string>
#include <zlib.h>
#include <zstd.h>

namespace machinist::testing {

inline std::string packed(Compression compression, const std::string& bytes) {
    std::string result(bytes.size() + bytes.size() / 4 + 4096, '\0');
    auto* to = reinterpret_cast<std::uint8_t*>(result.data());
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data());
    switch (compression) {
    case Compression::gzip: {
        z_stream stream{};
        if (::deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::runtime_error{"deflateInit2"};
        stream.next_in = const_cast<Bytef*>(from);
        stream.avail_in = static_cast<uInt>(bytes.size());
        stream.next_out = to;
        stream.avail_out = static_cast<uInt>(result.size());
        if (::deflate(&stream, Z_FINISH) != Z_STREAM_END)
            throw std::runtime_error{"deflate"};
        result.resize(stream.total_out);
        ::deflateEnd(&stream);
        return result;
    }
    case Compression::bzip2: {
        auto size = static_cast<unsigned>(result.size());
        if (::BZ2_bzBuffToBuffCompress(result.data(), &size, const_cast<char*>(bytes.data()),
                                       static_cast<unsigned>(bytes.size()), 9, 0, 0) != BZ_OK)
            throw std::runtime_error{"bzip2"};
        result.resize(size);
        return result;
    }
    case Compression::xz: {
        std::size_t size = 0;
        if (::lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, nullptr, from, bytes.size(), to, &size, result.size()) !=
            LZMA_OK)
            throw std::runtime_error{"xz"};
        result.resize(size);
        return result;
    }
    case Compression::zstd: {
        ZSTD_CCtx* context = ::ZSTD_createCCtx();
        ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        result.resize(::ZSTD_compress2(context, result.data(), result.size(), bytes.data(), bytes.size()));
        ::ZSTD_freeCCtx(context);
        return result;
    }
    case Compression::none: break;
    }
    return bytes;
}

} // namespace machinist::testing
