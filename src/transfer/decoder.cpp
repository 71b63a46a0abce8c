// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/decoder.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <bzlib.h>
#include <lzma.h>
#include <string>
#include <thread>
#include <zlib.h>
#include <zstd.h>

namespace machinist {

namespace {

Failure damaged(const char* compression, const std::string& why) {
    return Failure{FailureKind::hostile, std::string{"unpack the "} + compression + " stream: " + why};
}

class GzipDecoder : public Decoder {
public:
    GzipDecoder() {
        constexpr int gzip_only = 16;
        if (::inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK)
            throw Failure{FailureKind::internal, "start zlib"};
    }
    ~GzipDecoder() override {
        ::inflateEnd(&stream_);
    }

    Step decode(Bytes input, WritableBytes output, bool) override {
        stream_.next_in = const_cast<Bytef*>(input.data());
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = output.data();
        stream_.avail_out = static_cast<uInt>(output.size());
        while (stream_.avail_in > 0 || (!ended_ && stream_.avail_out > 0)) {
            if (ended_ && !go_on())
                break;
            const uInt in_before = stream_.avail_in;
            const uInt out_before = stream_.avail_out;
            const int result = ::inflate(&stream_, Z_NO_FLUSH);
            ended_ = result == Z_STREAM_END;
            if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
                throw damaged("gzip", stream_.msg != nullptr ? stream_.msg : "it is damaged");
            if (stream_.avail_out == 0 || (stream_.avail_in == in_before && stream_.avail_out == out_before))
                break;
        }
        return {input.size() - stream_.avail_in, output.size() - stream_.avail_out};
    }
    [[nodiscard]] bool is_complete() const override {
        return ended_;
    }

private:
    // Behind a stream come others, or zeros up to a block of some medium. False if all input was such zeros.
    bool go_on() {
        if (padded_ || *stream_.next_in == 0) {
            padded_ = true;
            if (std::any_of(stream_.next_in, stream_.next_in + stream_.avail_in, [](Bytef byte) { return byte != 0; }))
                throw damaged("gzip", "something else is behind it");
            stream_.avail_in = 0;
            return false;
        }
        ::inflateReset(&stream_);
        ended_ = false;
        return true;
    }

    z_stream stream_{};
    bool ended_ = false;
    bool padded_ = false;
};

class Bzip2Decoder : public Decoder {
public:
    Bzip2Decoder() {
        begin();
    }
    ~Bzip2Decoder() override {
        ::BZ2_bzDecompressEnd(&stream_);
    }

    Step decode(Bytes input, WritableBytes output, bool) override {
        stream_.next_in = reinterpret_cast<char*>(const_cast<std::uint8_t*>(input.data()));
        stream_.avail_in = static_cast<unsigned>(input.size());
        stream_.next_out = reinterpret_cast<char*>(output.data());
        stream_.avail_out = static_cast<unsigned>(output.size());
        while (stream_.avail_out > 0 && (stream_.avail_in > 0 || !ended_)) {
            if (ended_) {
                const bz_stream rest = stream_;
                ::BZ2_bzDecompressEnd(&stream_);
                begin();
                stream_.next_in = rest.next_in;
                stream_.avail_in = rest.avail_in;
                stream_.next_out = rest.next_out;
                stream_.avail_out = rest.avail_out;
            }
            const unsigned in_before = stream_.avail_in;
            const unsigned out_before = stream_.avail_out;
            const int result = ::BZ2_bzDecompress(&stream_);
            if (result != BZ_OK && result != BZ_STREAM_END)
                throw damaged("bzip2", "it is damaged, or something else is behind it");
            ended_ = result == BZ_STREAM_END;
            if (stream_.avail_in == in_before && stream_.avail_out == out_before)
                break;
        }
        return {input.size() - stream_.avail_in, output.size() - stream_.avail_out};
    }
    [[nodiscard]] bool is_complete() const override {
        return ended_;
    }

private:
    void begin() {
        stream_ = {};
        ended_ = false;
        if (::BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK)
            throw Failure{FailureKind::internal, "start bzip2"};
    }

    bz_stream stream_{};
    bool ended_ = false;
};

class XzDecoder : public Decoder {
public:
    XzDecoder() {
        lzma_mt how{};
        how.flags = LZMA_CONCATENATED;
        how.threads = std::max(1U, std::thread::hardware_concurrency());
        // Above the first, one thread is used; above the second, the stream is refused: `xz -9` needs 65 MiB.
        how.memlimit_threading = std::uint64_t{512} << 20;
        how.memlimit_stop = std::uint64_t{1} << 30;
        if (::lzma_stream_decoder_mt(&stream_, &how) != LZMA_OK)
            throw Failure{FailureKind::internal, "start liblzma"};
    }
    ~XzDecoder() override {
        ::lzma_end(&stream_);
    }

    Step decode(Bytes input, WritableBytes output, bool last) override {
        stream_.next_in = input.data();
        stream_.avail_in = input.size();
        stream_.next_out = output.data();
        stream_.avail_out = output.size();
        while (!ended_ && stream_.avail_out > 0 && (stream_.avail_in > 0 || last)) {
            const lzma_ret result = ::lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
            if (result == LZMA_BUF_ERROR)
                break;
            ended_ = result == LZMA_STREAM_END;
            if (result != LZMA_OK && result != LZMA_STREAM_END)
                throw damaged("xz", reason(result));
        }
        return {input.size() - stream_.avail_in, output.size() - stream_.avail_out};
    }
    [[nodiscard]] bool is_complete() const override {
        return ended_;
    }

private:
    static const char* reason(lzma_ret result) {
        switch (result) {
        case LZMA_MEMLIMIT_ERROR: return "it needs more than 1 GiB of memory";
        case LZMA_FORMAT_ERROR: return "something else is behind it";
        case LZMA_OPTIONS_ERROR: return "it uses what this version of liblzma does not know";
        default: return "it is damaged";
        }
    }

    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool ended_ = false;
};

class ZstdDecoder : public Decoder {
public:
    Step decode(Bytes input, WritableBytes output, bool) override {
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{output.data(), output.size(), 0};
        while (out.pos < out.size && (in.pos < in.size || missing_ != 0)) {
            const std::size_t in_before = in.pos;
            const std::size_t out_before = out.pos;
            const std::size_t result = ::ZSTD_decompressStream(context_.get(), &out, &in);
            if (::ZSTD_isError(result) != 0)
                throw damaged("zstd", ::ZSTD_getErrorName(result));
            if (in.pos == in_before && out.pos == out_before)
                break;
            missing_ = result;
        }
        return {in.pos, out.pos};
    }
    [[nodiscard]] bool is_complete() const override {
        return missing_ == 0;
    }

private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const {
            ::ZSTD_freeDCtx(context);
        }
    };
    std::unique_ptr<ZSTD_DCtx, Free> context_{::ZSTD_createDCtx()};
    std::size_t missing_ = 1;
};

} // namespace

std::unique_ptr<Decoder> make_decoder(Compression compression) {
    switch (compression) {
    case Compression::gzip: return std::make_unique<GzipDecoder>();
    case Compression::bzip2: return std::make_unique<Bzip2Decoder>();
    case Compression::xz: return std::make_unique<XzDecoder>();
    case Compression::zstd: return std::make_unique<ZstdDecoder>();
    case Compression::none: break;
    }
    throw Failure{FailureKind::internal, "no decoder for what is not compressed"};
}

} // namespace machinist
