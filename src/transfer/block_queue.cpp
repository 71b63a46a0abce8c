// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/block_queue.hpp"

#include <utility>

namespace machinist {

BlockQueue::BlockQueue(std::size_t blocks, std::size_t block_size) : block_size_(block_size), blocks_(blocks) {
    for (Block& block : blocks_) {
        block.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(block_size);
        empty_.push_back(&block);
    }
}

BlockQueue::Block* BlockQueue::empty_block() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return stopped_ || !empty_.empty(); });
    if (stopped_)
        return nullptr;
    Block* block = empty_.front();
    empty_.pop_front();
    block->size = 0;
    return block;
}

void BlockQueue::push(Block* block) {
    {
        const std::lock_guard lock{mutex_};
        full_.push_back(block);
    }
    changed_.notify_all();
}

void BlockQueue::end(std::exception_ptr why) {
    {
        const std::lock_guard lock{mutex_};
        ended_ = true;
        why_ = std::move(why);
    }
    changed_.notify_all();
}

BlockQueue::Block* BlockQueue::next() {
    std::unique_lock lock{mutex_};
    if (taken_ != nullptr) {
        empty_.push_back(std::exchange(taken_, nullptr));
        changed_.notify_all();
    }
    changed_.wait(lock, [&] { return ended_ || !full_.empty(); });
    // What came before a failure is still good.
    if (full_.empty()) {
        if (why_)
            std::rethrow_exception(why_);
        return nullptr;
    }
    taken_ = full_.front();
    full_.pop_front();
    return taken_;
}

void BlockQueue::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopped_ = true;
    }
    changed_.notify_all();
}

} // namespace machinist
