// SPDX-License-Identifier: LGPL-2.1-or-later
// Deflate has no threads, but a stream may end any block at a byte's border: so blocks are packed beside each other,
// each with the end of the one before as its dictionary, and put together to one stream, not to several: not everybody
// reads those.
#include "base/failure.hpp"
#include "transfer/encoder.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <vector>
#include <zlib.h>

namespace machinist {

namespace {

constexpr std::size_t chunk_size = std::size_t{256} << 10;
constexpr std::size_t window_size = 32768;
// Six packs 2 % more and takes a third longer.
constexpr int level = 5;

struct Chunk {
    std::vector<std::uint8_t> bytes;
    std::vector<std::uint8_t> dictionary; // what was right before
    std::vector<std::uint8_t> packed;
    uLong sum = 0;
    bool last = false;
    bool done = false;
};

// One thread's deflate, used for a chunk after the other.
class Deflate {
public:
    Deflate() {
        constexpr int memory = 9;
        if (::deflateInit2(&stream_, level, Z_DEFLATED, -MAX_WBITS, memory, Z_DEFAULT_STRATEGY) != Z_OK)
            throw Failure{FailureKind::internal, "start zlib"};
    }
    Deflate(const Deflate&) = delete;
    Deflate& operator=(const Deflate&) = delete;
    ~Deflate() {
        ::deflateEnd(&stream_);
    }

    void pack(Chunk& chunk) {
        ::deflateReset(&stream_);
        if (!chunk.dictionary.empty())
            ::deflateSetDictionary(&stream_, chunk.dictionary.data(), static_cast<uInt>(chunk.dictionary.size()));
        constexpr std::size_t markers = 64;
        chunk.packed.resize(::deflateBound(&stream_, chunk.bytes.size()) + markers);
        stream_.next_in = chunk.bytes.data();
        stream_.avail_in = static_cast<uInt>(chunk.bytes.size());
        stream_.next_out = chunk.packed.data();
        stream_.avail_out = static_cast<uInt>(chunk.packed.size());
        ::deflate(&stream_, chunk.last ? Z_FINISH : Z_SYNC_FLUSH);
        chunk.packed.resize(chunk.packed.size() - stream_.avail_out);
        chunk.sum = ::crc32(0, chunk.bytes.data(), static_cast<uInt>(chunk.bytes.size()));
    }

private:
    z_stream stream_{};
};

class GzipEncoder : public Encoder {
public:
    explicit GzipEncoder(unsigned processors) : most_waiting_(std::size_t{4} * processors) {
        for (unsigned count = 0; count < processors; ++count)
            threads_.emplace_back([this] { work(); });
    }
    ~GzipEncoder() override {
        {
            const std::lock_guard lock{mutex_};
            ending_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_)
            thread.join();
    }

    void encode(Bytes bytes, const Sink& sink) override {
        while (!bytes.empty()) {
            const std::size_t count = std::min(bytes.size(), chunk_size - current_.size());
            current_.insert(current_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
            bytes = bytes.subspan(count);
            if (current_.size() == chunk_size)
                submit(false, sink);
        }
    }
    void finish(const Sink& sink) override {
        submit(true, sink);
        while (!chunks_.empty())
            take_first(sink);
        std::array<std::uint8_t, 8> trailer{};
        for (std::size_t byte = 0; byte < 4; ++byte) {
            trailer[byte] = static_cast<std::uint8_t>(sum_ >> (8 * byte));
            trailer[4 + byte] = static_cast<std::uint8_t>(size_ >> (8 * byte));
        }
        sink(trailer);
    }

private:
    void submit(bool last, const Sink& sink) {
        auto chunk = std::make_unique<Chunk>();
        chunk->bytes = std::move(current_);
        chunk->dictionary = std::move(window_);
        chunk->last = last;
        const std::span<const unsigned char> bytes{chunk->bytes};
        const auto tail = bytes.last(std::min(window_size, bytes.size()));
        window_ = std::vector<unsigned char>(tail.begin(), tail.end());
        current_ = {};
        current_.reserve(chunk_size);
        {
            const std::lock_guard lock{mutex_};
            waiting_.push_back(chunk.get());
        }
        changed_.notify_all();
        chunks_.push_back(std::move(chunk));
        if (chunks_.size() > most_waiting_)
            take_first(sink);
    }

    void take_first(const Sink& sink) {
        Chunk& chunk = *chunks_.front();
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [&] { return chunk.done; });
        }
        if (!begun_) {
            constexpr std::array<std::uint8_t, 10> header{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
            sink(header);
            begun_ = true;
        }
        sink(chunk.packed);
        sum_ = ::crc32_combine(sum_, chunk.sum, static_cast<z_off_t>(chunk.bytes.size()));
        size_ += chunk.bytes.size();
        chunks_.pop_front();
    }

    void work() {
        Deflate deflate;
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
            if (ending_)
                return;
            Chunk* chunk = waiting_.front();
            waiting_.pop_front();
            lock.unlock();
            deflate.pack(*chunk);
            lock.lock();
            chunk->done = true;
            changed_.notify_all();
        }
    }

    std::size_t most_waiting_;
    std::vector<std::uint8_t> current_;
    std::vector<std::uint8_t> window_;
    std::deque<std::unique_ptr<Chunk>> chunks_; // in the order of the stream; the front goes first
    uLong sum_ = 0;
    std::uint64_t size_ = 0;
    bool begun_ = false;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Chunk*> waiting_; // for a thread
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

} // namespace

std::unique_ptr<Encoder> make_gzip_encoder(unsigned processors) {
    return std::make_unique<GzipEncoder>(processors);
}

} // namespace machinist
