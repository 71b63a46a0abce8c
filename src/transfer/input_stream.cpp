// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/input_stream.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "transfer/decoder.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;
constexpr std::size_t blocks = 8;
constexpr std::size_t read_size = std::size_t{256} << 10;

// Thrown and caught here: whoever took blocks wants no more.
struct Stopped {};

} // namespace

InputStream::InputStream(BorrowedFd file, InputOptions options)
    : file_(file), options_(options), queue_(blocks, block_size) {
    const struct stat status = status_of(file_);
    may_wait_ = !S_ISREG(status.st_mode);
    if (S_ISDIR(status.st_mode))
        throw Failure{FailureKind::invalid, "read: it is a directory"};
    if (S_ISREG(status.st_mode)) {
        const off_t at = ::lseek(file_.get(), 0, SEEK_CUR);
        total_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size - std::max<off_t>(at, 0), 0));
        (void)::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    stop_ = UniqueFd{::eventfd(0, EFD_CLOEXEC)};
    if (!stop_)
        throw system_failure("make an event descriptor");
    beginning_.resize(compression_magic_size);
    beginning_.resize(fill(beginning_));
    compression_ = compression_of(beginning_);

    // Signals are for the thread that made us.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread{[this] { run(); }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

InputStream::~InputStream() {
    queue_.stop();
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
}

Bytes InputStream::next() {
    const BlockQueue::Block* block = queue_.next();
    if (block == nullptr)
        return {};
    bytes_unpacked_ += block->size;
    return {block->bytes.get(), block->size};
}

std::size_t InputStream::read_some(WritableBytes into) {
    for (;;) {
        if (may_wait_) {
            pollfd wait[]{{file_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {options_.cancellation.get(), POLLIN, 0}};
            if (::poll(wait, 3, -1) < 0 && errno != EINTR)
                throw system_failure("wait for input");
            if (wait[1].revents != 0)
                throw Stopped{};
            if (wait[2].revents != 0)
                throw Failure{FailureKind::busy, "canceled", ECANCELED};
        }
        const ssize_t count = ::read(file_.get(), into.data(), into.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count < 0)
            throw system_failure("read");
        const auto size = static_cast<std::size_t>(count);
        bytes_read_ += size;
        if (options_.digest_as_read)
            read_digest_.add(into.first(size));
        return size;
    }
}

std::size_t InputStream::fill(WritableBytes into) {
    std::size_t filled = 0;
    while (filled < into.size()) {
        const std::size_t count = read_some(into.subspan(filled));
        if (count == 0)
            break;
        filled += count;
    }
    return filled;
}

void InputStream::hand_over(BlockQueue::Block* block) {
    // An empty piece would be taken for the end.
    if (block->size == 0)
        return;
    if (options_.digest_unpacked)
        unpacked_digest_.add({block->bytes.get(), block->size});
    queue_.push(block);
}

void InputStream::pass_on() {
    bool more = true;
    while (more) {
        BlockQueue::Block* block = queue_.empty_block();
        if (block == nullptr)
            throw Stopped{};
        std::ranges::copy(beginning_, block->bytes.get());
        block->size = beginning_.size();
        beginning_.clear();
        const std::size_t wanted = block_size - block->size;
        const std::size_t count = fill({block->bytes.get() + block->size, wanted});
        more = count == wanted;
        block->size += count;
        hand_over(block);
    }
}

void InputStream::unpack() {
    const auto decoder = make_decoder(compression_);
    std::vector<std::uint8_t> buffer(read_size);
    std::ranges::copy(beginning_, buffer.begin());
    Bytes input{buffer.data(), beginning_.size()};
    bool last = false;
    bool working = true;
    while (working) {
        BlockQueue::Block* block = queue_.empty_block();
        if (block == nullptr)
            throw Stopped{};
        while (working && block->size < block_size) {
            if (input.empty() && !last) {
                const std::size_t count = read_some(buffer);
                last = count == 0;
                input = Bytes{buffer.data(), count};
            }
            const auto step =
                decoder->decode(input, {block->bytes.get() + block->size, block_size - block->size}, last);
            input = input.subspan(step.taken);
            block->size += step.made;
            working = !last || step.made > 0;
            if (!input.empty() && step.taken == 0 && step.made == 0)
                throw Failure{FailureKind::hostile, "unpack: the stream is damaged"};
        }
        hand_over(block);
    }
    if (!decoder->is_complete())
        throw Failure{FailureKind::hostile,
                      "unpack: the " + std::string{name_of(compression_names, compression_)} + " stream is cut off"};
}

void InputStream::run() {
    try {
        if (compression_ == Compression::none)
            pass_on();
        else
            unpack();
        if (options_.digest_as_read)
            digest_as_read_ = read_digest_.finish();
        if (options_.digest_unpacked)
            digest_unpacked_ = unpacked_digest_.finish();
        queue_.end();
    } catch (const Stopped&) {
        queue_.end();
    } catch (...) {
        queue_.end(std::current_exception());
    }
}

} // namespace machinist
