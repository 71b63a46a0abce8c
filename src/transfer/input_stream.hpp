// SPDX-License-Identifier: LGPL-2.1-or-later
// A file or pipe, read and unpacked by a thread of its own while others work on what it has read.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/block_queue.hpp"
#include "transfer/compression.hpp"
#include "transfer/sha256.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

namespace machinist {

struct InputOptions {
    bool digest_as_read = false;  // SHA-256 of the bytes of the file
    bool digest_unpacked = false; // of what they stand for
    BorrowedFd cancellation{};    // of Cancellation: waiting for bytes ends with it
};

class InputStream {
public:
    // From where the file is now; it must stay open. A few bytes are waited for, to see how it is packed. Throws
    // Failure.
    explicit InputStream(BorrowedFd file, InputOptions options = {});
    InputStream(const InputStream&) = delete;
    InputStream& operator=(const InputStream&) = delete;
    ~InputStream();

    // The next piece of what is unpacked, good until the next call; empty at the end. Throws what went wrong:
    // Failure(hostile) for a stream that is damaged, not whole, or has something else behind it.
    Bytes next();

    [[nodiscard]] Compression compression() const {
        return compression_;
    }
    [[nodiscard]] std::uint64_t bytes_read() const {
        return bytes_read_;
    }
    [[nodiscard]] std::uint64_t bytes_unpacked() const {
        return bytes_unpacked_;
    }
    // The size of what is read, where it is a file.
    [[nodiscard]] std::optional<std::uint64_t> total() const {
        return total_;
    }
    // Once next() has told the end.
    [[nodiscard]] const std::string& digest_as_read() const {
        return digest_as_read_;
    }
    [[nodiscard]] const std::string& digest_unpacked() const {
        return digest_unpacked_;
    }

private:
    std::size_t read_some(WritableBytes into);
    std::size_t fill(WritableBytes into);
    void run();
    void pass_on();
    void unpack();
    void hand_over(BlockQueue::Block* block);

    BorrowedFd file_;
    InputOptions options_;
    bool may_wait_ = false;               // no plain file
    UniqueFd stop_;                       // readable once nobody wants any more
    std::vector<std::uint8_t> beginning_; // read to see the compression, not used yet
    Compression compression_ = Compression::none;
    std::optional<std::uint64_t> total_;
    std::atomic<std::uint64_t> bytes_read_ = 0;
    std::atomic<std::uint64_t> bytes_unpacked_ = 0; // handed out by next()
    Sha256 read_digest_;
    Sha256 unpacked_digest_;
    std::string digest_as_read_;
    std::string digest_unpacked_;
    BlockQueue queue_;
    std::thread thread_;
};

} // namespace machinist
