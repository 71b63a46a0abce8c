// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/raw_copy.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/fs.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::size_t block = 4096;
constexpr std::size_t part = std::size_t{4} << 20; // between two looks at the progress

bool is_zero(Bytes bytes) {
    return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

void write_at(BorrowedFd file, Bytes bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_failure("write the disk image");
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

void copy_data(BorrowedFd from, BorrowedFd to, off_t begin, off_t end, const CountBytes& progress) {
    std::vector<std::uint8_t> buffer;
    while (begin < end) {
        const auto wanted = std::min(part, static_cast<std::size_t>(end - begin));
        off_t source = begin;
        off_t target = begin;
        ssize_t count = buffer.empty() ? ::copy_file_range(from.get(), &source, to.get(), &target, wanted, 0) : -1;
        if (count <= 0) {
            buffer.resize(part);
            count = ::pread(from.get(), buffer.data(), wanted, begin);
            if (count < 0)
                throw system_failure("read the disk image");
            if (count == 0)
                throw Failure{FailureKind::busy, "the disk image became shorter meanwhile"};
            write_sparse(to, Bytes{buffer}.first(static_cast<std::size_t>(count)), static_cast<std::uint64_t>(begin));
        }
        begin += count;
        progress(static_cast<std::uint64_t>(begin));
    }
}

} // namespace

void write_sparse(BorrowedFd file, Bytes bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        // Blocks of the file, wherever bytes begin.
        const auto first = std::min<std::size_t>(bytes.size(), block - offset % block);
        std::size_t size = first;
        const bool zero = is_zero(bytes.first(first));
        while (size < bytes.size()) {
            const auto next = bytes.subspan(size, std::min(block, bytes.size() - size));
            if (is_zero(next) != zero)
                break;
            size += next.size();
        }
        if (!zero)
            write_at(file, bytes.first(size), offset);
        bytes = bytes.subspan(size);
        offset += size;
    }
}

void copy_stream_to_disk(Bytes first, InputStream& stream, BorrowedFd to, const CountBytes& progress) {
    std::uint64_t size = 0;
    for (Bytes piece = first; !piece.empty(); piece = stream.next()) {
        if (piece.size() > largest_disk - size)
            throw Failure{FailureKind::hostile, "the disk image is larger than 64 TiB"};
        write_sparse(to, piece, size);
        size += piece.size();
        progress(stream.bytes_read());
    }
    if (::ftruncate(to.get(), static_cast<off_t>(size)) < 0)
        throw system_failure("make the disk image as large as it is");
}

void copy_disk(BorrowedFd from, BorrowedFd to, const CountBytes& progress) {
    const off_t size = status_of(from).st_size;
    if (::ioctl(to.get(), FICLONE, from.get()) == 0)
        return;
    if (::ftruncate(to.get(), size) < 0)
        throw system_failure("make room for the disk image");
    for (off_t at = 0; at < size;) {
        const off_t begin = ::lseek(from.get(), at, SEEK_DATA);
        if (begin < 0 && errno == ENXIO)
            return;
        const off_t end = begin < 0 ? size : ::lseek(from.get(), begin, SEEK_HOLE);
        copy_data(from, to, begin < 0 ? at : begin, end < 0 ? size : end, progress);
        at = end < 0 ? size : end;
    }
}

} // namespace machinist
