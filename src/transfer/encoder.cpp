// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/encoder.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <bzlib.h>
#include <lzma.h>
#include <string>
#include <thread>
#include <vector>
#include <zstd.h>

namespace machinist {

namespace {

constexpr std::size_t buffer_size = std::size_t{256} << 10;

unsigned processors() {
    return std::max(1U, std::thread::hardware_concurrency());
}

class NoEncoder : public Encoder {
public:
    void encode(Bytes bytes, const Sink& sink) override {
        sink(bytes);
    }
    void finish(const Sink&) override {}
};

class XzEncoder : public Encoder {
public:
    XzEncoder() {
        lzma_mt how{};
        how.threads = processors();
        how.preset = LZMA_PRESET_DEFAULT;
        how.check = LZMA_CHECK_CRC64;
        if (::lzma_stream_encoder_mt(&stream_, &how) != LZMA_OK)
            throw Failure{FailureKind::internal, "start liblzma"};
    }
    ~XzEncoder() override {
        ::lzma_end(&stream_);
    }
    void encode(Bytes bytes, const Sink& sink) override {
        run(bytes, LZMA_RUN, sink);
    }
    void finish(const Sink& sink) override {
        run({}, LZMA_FINISH, sink);
    }

private:
    void run(Bytes bytes, lzma_action action, const Sink& sink) {
        stream_.next_in = bytes.data();
        stream_.avail_in = bytes.size();
        for (lzma_ret result = LZMA_OK; result == LZMA_OK && (stream_.avail_in > 0 || action == LZMA_FINISH);) {
            stream_.next_out = buffer_.data();
            stream_.avail_out = buffer_.size();
            result = ::lzma_code(&stream_, action);
            if (result != LZMA_OK && result != LZMA_STREAM_END)
                throw Failure{FailureKind::system, "pack by xz: error " + std::to_string(static_cast<int>(result))};
            sink(Bytes{buffer_}.first(buffer_.size() - stream_.avail_out));
        }
    }

    lzma_stream stream_ = LZMA_STREAM_INIT;
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(buffer_size);
};

class ZstdEncoder : public Encoder {
public:
    ZstdEncoder() {
        constexpr int level = 3;
        ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
        ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
        // Refused by a library without threads, which then uses one.
        (void)::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(processors()));
    }
    void encode(Bytes bytes, const Sink& sink) override {
        run(bytes, ZSTD_e_continue, sink);
    }
    void finish(const Sink& sink) override {
        run({}, ZSTD_e_end, sink);
    }

private:
    void run(Bytes bytes, ZSTD_EndDirective directive, const Sink& sink) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (std::size_t left = 1; in.pos < in.size || (directive == ZSTD_e_end && left != 0);) {
            ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
            left = ::ZSTD_compressStream2(context_.get(), &out, &in, directive);
            if (::ZSTD_isError(left) != 0)
                throw Failure{FailureKind::system, std::string{"pack by zstd: "} + ::ZSTD_getErrorName(left)};
            sink(Bytes{buffer_}.first(out.pos));
        }
    }

    struct Free {
        void operator()(ZSTD_CCtx* context) const {
            ::ZSTD_freeCCtx(context);
        }
    };
    std::unique_ptr<ZSTD_CCtx, Free> context_{::ZSTD_createCCtx()};
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(buffer_size);
};

class Bzip2Encoder : public Encoder {
public:
    Bzip2Encoder() {
        constexpr int level = 9;
        if (::BZ2_bzCompressInit(&stream_, level, 0, 0) != BZ_OK)
            throw Failure{FailureKind::internal, "start bzip2"};
    }
    ~Bzip2Encoder() override {
        ::BZ2_bzCompressEnd(&stream_);
    }
    void encode(Bytes bytes, const Sink& sink) override {
        run(bytes, BZ_RUN, sink);
    }
    void finish(const Sink& sink) override {
        run({}, BZ_FINISH, sink);
    }

private:
    void run(Bytes bytes, int action, const Sink& sink) {
        stream_.next_in = reinterpret_cast<char*>(const_cast<std::uint8_t*>(bytes.data()));
        stream_.avail_in = static_cast<unsigned>(bytes.size());
        for (int result = BZ_RUN_OK; stream_.avail_in > 0 || (action == BZ_FINISH && result != BZ_STREAM_END);) {
            stream_.next_out = reinterpret_cast<char*>(buffer_.data());
            stream_.avail_out = static_cast<unsigned>(buffer_.size());
            result = ::BZ2_bzCompress(&stream_, action);
            if (result < 0)
                throw Failure{FailureKind::system, "pack by bzip2: error " + std::to_string(result)};
            sink(Bytes{buffer_}.first(buffer_.size() - stream_.avail_out));
        }
    }

    bz_stream stream_{};
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(buffer_size);
};

} // namespace

std::unique_ptr<Encoder> make_encoder(Compression compression) {
    switch (compression) {
    case Compression::none: return std::make_unique<NoEncoder>();
    case Compression::gzip: return make_gzip_encoder(processors());
    case Compression::bzip2: return std::make_unique<Bzip2Encoder>();
    case Compression::xz: return std::make_unique<XzEncoder>();
    case Compression::zstd: return std::make_unique<ZstdEncoder>();
    }
    throw Failure{FailureKind::internal, "no encoder"};
}

} // namespace machinist
