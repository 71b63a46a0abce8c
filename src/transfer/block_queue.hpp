// SPDX-License-Identifier: LGPL-2.1-or-later
// Blocks of bytes on their way from one thread to another. There is a fixed number of them: who is faster waits.
#pragma once

#include "transfer/compression.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

namespace machinist {

class BlockQueue {
public:
    struct Block {
        std::unique_ptr<std::uint8_t[]> bytes;
        std::size_t size = 0;
    };

    BlockQueue(std::size_t blocks, std::size_t block_size);

    // For who fills: an empty block; nullptr once nobody wants any more.
    Block* empty_block();
    void push(Block* block);
    // Nothing comes any more; with why, the other side throws it.
    void end(std::exception_ptr why = nullptr);

    // For who takes: the next block, nullptr at the end. It is given back by the next call.
    Block* next();
    // Wakes up and refuses who fills.
    void stop();

    [[nodiscard]] std::size_t block_size() const {
        return block_size_;
    }

private:
    std::size_t block_size_;
    std::vector<Block> blocks_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Block*> empty_;
    std::deque<Block*> full_;
    Block* taken_ = nullptr;
    std::exception_ptr why_;
    bool ended_ = false;
    bool stopped_ = false;
};

} // namespace machinist
