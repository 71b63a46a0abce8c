// SPDX-License-Identifier: LGPL-2.1-or-later
// A file or pipe that is written, and packed on the way, by threads of its own.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/block_queue.hpp"
#include "transfer/compression.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>

namespace machinist {

class OutputStream {
public:
    // file must stay open. cancellation: of Cancellation; waiting for a pipe's reader ends with it.
    OutputStream(BorrowedFd file, Compression compression, BorrowedFd cancellation = {});
    OutputStream(const OutputStream&) = delete;
    OutputStream& operator=(const OutputStream&) = delete;
    // Without finish(), what was written is not whole.
    ~OutputStream();

    // Throws what writing threw.
    void write(Bytes bytes);
    void finish();

    [[nodiscard]] std::uint64_t bytes_taken() const {
        return bytes_taken_;
    }
    [[nodiscard]] std::uint64_t bytes_written() const {
        return bytes_written_;
    }

private:
    void run(Compression compression);
    void give_block();
    [[noreturn]] void throw_reason();

    void put(Bytes bytes);

    BorrowedFd file_;
    BorrowedFd cancellation_;
    bool may_wait_ = false; // no plain file
    BlockQueue queue_;
    BlockQueue::Block* block_ = nullptr;
    std::uint64_t bytes_taken_ = 0;
    std::atomic<std::uint64_t> bytes_written_ = 0;
    std::exception_ptr why_; // of the thread; read once it has ended
    std::thread thread_;
};

} // namespace machinist
