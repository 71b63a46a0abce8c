// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/output_stream.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "transfer/cancellation.hpp"
#include "transfer/encoder.hpp"

#include <algorithm>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;
constexpr std::size_t blocks = 8;

} // namespace

OutputStream::OutputStream(BorrowedFd file, Compression compression, BorrowedFd cancellation)
    : file_(file),
      cancellation_(cancellation),
      may_wait_(!S_ISREG(status_of(file).st_mode)),
      queue_(blocks, block_size) {
    // Signals are for the thread that made us, and so are those that the encoder's threads inherit.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread{[this, compression] { run(compression); }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

OutputStream::~OutputStream() {
    if (!thread_.joinable())
        return;
    queue_.end(std::make_exception_ptr(Failure{FailureKind::busy, "canceled"}));
    thread_.join();
}

void OutputStream::throw_reason() {
    if (thread_.joinable())
        thread_.join();
    if (why_)
        std::rethrow_exception(why_);
    throw Failure{FailureKind::internal, "write"};
}

void OutputStream::give_block() {
    if (block_ != nullptr)
        queue_.push(std::exchange(block_, nullptr));
}

void OutputStream::write(Bytes bytes) {
    bytes_taken_ += bytes.size();
    while (!bytes.empty()) {
        if (block_ == nullptr)
            block_ = queue_.empty_block();
        if (block_ == nullptr)
            throw_reason();
        const std::size_t count = std::min(bytes.size(), block_size - block_->size);
        std::copy_n(bytes.data(), count, block_->bytes.get() + block_->size);
        block_->size += count;
        bytes = bytes.subspan(count);
        if (block_->size == block_size)
            give_block();
    }
}

void OutputStream::finish() {
    give_block();
    queue_.end();
    thread_.join();
    if (why_)
        std::rethrow_exception(why_);
}

void OutputStream::put(Bytes bytes) {
    while (!bytes.empty()) {
        // A pipe that has room takes this much without waiting.
        constexpr std::size_t safe = 4096;
        if (may_wait_)
            wait_unless_canceled(file_, POLLOUT, cancellation_);
        const Bytes part = may_wait_ ? bytes.first(std::min(bytes.size(), safe)) : bytes;
        write_all(file_, {reinterpret_cast<const char*>(part.data()), part.size()});
        bytes_written_ += part.size();
        bytes = bytes.subspan(part.size());
    }
}

void OutputStream::run(Compression compression) {
    try {
        const auto encoder = make_encoder(compression);
        const auto sink = [this](Bytes bytes) { put(bytes); };
        while (const BlockQueue::Block* block = queue_.next())
            encoder->encode({block->bytes.get(), block->size}, sink);
        encoder->finish(sink);
    } catch (...) {
        why_ = std::current_exception();
        queue_.stop();
    }
}

} // namespace machinist
