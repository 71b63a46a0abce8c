// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/qcow2.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>
#include <zlib.h>
#include <zstd.h>

namespace machinist {

namespace {

constexpr std::array<std::uint8_t, qcow2_magic_size> magic{'Q', 'F', 'I', 0xfb};
constexpr std::uint64_t offset_bits = 0x00fffffffffffe00;
constexpr std::uint64_t compressed_bit = std::uint64_t{1} << 62;
constexpr std::uint64_t zero_bit = 1;
constexpr std::size_t sector = 512;

[[noreturn]] void refuse(const std::string& why) {
    throw Failure{FailureKind::hostile, "read the qcow2 image: " + why};
}
[[noreturn]] void refuse_feature(const std::string& what) {
    throw Failure{FailureKind::not_supported, "read the qcow2 image: " + what};
}

std::uint64_t big_endian(Bytes bytes) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes)
        number = number << 8 | byte;
    return number;
}

class Conversion {
public:
    Conversion(BorrowedFd from, BorrowedFd to) : from_(from), to_(to) {
        const off_t size = status_of(from_).st_size;
        file_size_ = static_cast<std::uint64_t>(std::max<off_t>(size, 0));
        read_header();
        // Of each cluster of the file whether something uses it: tables that lead back to others, or to themselves, do
        // it twice.
        used_.resize(file_size_ / cluster_size_ + 1);
        use(0, cluster_size_, "its header");
    }

    [[nodiscard]] std::uint64_t disk_size() const {
        return disk_size_;
    }

    void run(const CountBytes& progress) {
        const std::uint64_t entries_of_table = cluster_size_ / sizeof(std::uint64_t);
        const std::uint64_t bytes_of_table = entries_of_table * cluster_size_;
        const std::uint64_t needed = (disk_size_ + bytes_of_table - 1) / bytes_of_table;
        if (first_level_size_ < needed)
            refuse("its first table is too small for its disk");
        use(first_level_, needed * sizeof(std::uint64_t), "its first table");
        const std::vector<std::uint64_t> first = read_table(first_level_, needed);
        for (std::uint64_t at = 0; at < needed; ++at) {
            const std::uint64_t table = first[at] & offset_bits;
            if (table != 0) {
                use(table, cluster_size_, "a table");
                put_table(read_table(table, entries_of_table), at * bytes_of_table);
            }
            progress(std::min(disk_size_, (at + 1) * bytes_of_table));
        }
        if (::ftruncate(to_.get(), static_cast<off_t>(disk_size_)) < 0)
            throw system_failure("make the disk image as large as it is");
    }

private:
    void read_header() {
        std::array<std::uint8_t, 112> header{};
        const std::size_t size = read_at(header, 0);
        constexpr std::size_t oldest_header = 72;
        if (size < oldest_header || !is_qcow2(header))
            refuse("it has no header");
        const auto number = [&](std::size_t at, std::size_t length) {
            return big_endian(Bytes{header}.subspan(at, length));
        };
        const std::uint64_t version = number(4, 4);
        if (version != 2 && version != 3)
            refuse_feature("its version " + std::to_string(version) + " is unknown");
        if (number(8, 8) != 0 || number(16, 4) != 0)
            refuse_feature("it is based on another file, which is never opened");
        const std::uint64_t cluster_bits = number(20, 4);
        if (cluster_bits < 9 || cluster_bits > 21)
            refuse("its clusters have an impossible size");
        cluster_bits_ = static_cast<unsigned>(cluster_bits);
        cluster_size_ = std::uint64_t{1} << cluster_bits_;
        disk_size_ = number(24, 8);
        if (disk_size_ > largest_disk)
            refuse("its disk is larger than 64 TiB");
        if (number(32, 4) != 0)
            refuse_feature("it is encrypted");
        first_level_size_ = number(36, 4);
        first_level_ = number(40, 8);
        if (version == 3 && size >= 104)
            read_features(number(72, 8), number(100, 4) > 104 ? header[104] : 0);
    }

    void read_features(std::uint64_t incompatible, std::uint8_t compression) {
        constexpr std::uint64_t dirty = 1;
        constexpr std::uint64_t corrupt = 2;
        constexpr std::uint64_t data_file = 4;
        constexpr std::uint64_t other_compression = 8;
        if ((incompatible & corrupt) != 0)
            refuse("it is marked as corrupt");
        if ((incompatible & data_file) != 0)
            refuse_feature("its data is in another file, which is never opened");
        if ((incompatible & ~(dirty | corrupt | data_file | other_compression)) != 0)
            refuse_feature("it uses features that this version does not know");
        if ((incompatible & other_compression) == 0)
            return;
        if (compression > 1)
            refuse_feature("its compression is unknown");
        zstd_ = compression == 1;
    }

    std::size_t read_at(WritableBytes into, std::uint64_t offset) const {
        std::size_t done = 0;
        while (done < into.size()) {
            const ssize_t count =
                ::pread(from_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                throw system_failure("read the qcow2 image");
            if (count == 0)
                break;
            done += static_cast<std::size_t>(count);
        }
        return done;
    }

    void use(std::uint64_t offset, std::uint64_t size, const char* what) {
        if (offset % cluster_size_ != 0 || offset >= file_size_ || size > file_size_ - offset + cluster_size_)
            refuse(std::string{what} + " lies outside of it");
        for (std::uint64_t cluster = offset / cluster_size_; cluster * cluster_size_ < offset + size; ++cluster) {
            if (cluster >= used_.size() || used_[cluster])
                refuse(std::string{what} + " lies where something else does");
            used_[cluster] = true;
        }
    }

    std::vector<std::uint64_t> read_table(std::uint64_t offset, std::uint64_t entries) const {
        std::vector<std::uint8_t> bytes(entries * sizeof(std::uint64_t));
        if (read_at(bytes, offset) != bytes.size())
            refuse("a table is cut off");
        std::vector<std::uint64_t> table(entries);
        for (std::size_t at = 0; at < entries; ++at)
            table[at] = big_endian(Bytes{bytes}.subspan(at * sizeof(std::uint64_t), sizeof(std::uint64_t)));
        return table;
    }

    void put_table(const std::vector<std::uint64_t>& table, std::uint64_t place) {
        for (const std::uint64_t entry : table) {
            if (place >= disk_size_)
                return;
            if ((entry & compressed_bit) != 0)
                put_compressed(entry, place);
            else if ((entry & zero_bit) == 0 && (entry & offset_bits) != 0)
                put_cluster(entry & offset_bits, place);
            place += cluster_size_;
        }
    }

    void put_cluster(std::uint64_t offset, std::uint64_t place) {
        use(offset, cluster_size_, "a cluster");
        cluster_.assign(cluster_size_, 0);
        // The last one may end with the file.
        (void)read_at(cluster_, offset);
        put(place);
    }

    void put_compressed(std::uint64_t entry, std::uint64_t place) {
        const unsigned size_shift = 62 - (cluster_bits_ - 8);
        const std::uint64_t offset = entry & ((std::uint64_t{1} << size_shift) - 1);
        const std::uint64_t sectors = ((entry & (compressed_bit - 1)) >> size_shift) + 1;
        packed_.assign(sectors * sector - offset % sector, 0);
        packed_taken_ += packed_.size();
        // Each lies behind the other, but for the sector they share.
        if (offset >= file_size_ || packed_taken_ > 2 * file_size_ + cluster_size_)
            refuse("compressed clusters lie where others do");
        packed_.resize(read_at(packed_, offset));
        cluster_.assign(cluster_size_, 0);
        if (!unpack())
            refuse("a compressed cluster is damaged");
        put(place);
    }

    bool unpack() {
        if (zstd_) {
            const std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> context{::ZSTD_createDCtx(), ::ZSTD_freeDCtx};
            ZSTD_inBuffer in{packed_.data(), packed_.size(), 0};
            ZSTD_outBuffer out{cluster_.data(), cluster_.size(), 0};
            while (out.pos < out.size) {
                const std::size_t before = out.pos + in.pos;
                if (::ZSTD_isError(::ZSTD_decompressStream(context.get(), &out, &in)) != 0 ||
                    before == out.pos + in.pos)
                    return false;
            }
            return true;
        }
        z_stream stream{};
        if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK)
            throw Failure{FailureKind::internal, "start zlib"};
        stream.next_in = packed_.data();
        stream.avail_in = static_cast<uInt>(packed_.size());
        stream.next_out = cluster_.data();
        stream.avail_out = static_cast<uInt>(cluster_.size());
        (void)::inflate(&stream, Z_FINISH);
        const bool full = stream.avail_out == 0;
        ::inflateEnd(&stream);
        return full;
    }

    void put(std::uint64_t place) {
        write_sparse(to_, Bytes{cluster_}.first(std::min<std::uint64_t>(cluster_size_, disk_size_ - place)), place);
    }

    BorrowedFd from_;
    BorrowedFd to_;
    std::uint64_t file_size_ = 0;
    unsigned cluster_bits_ = 16;
    std::uint64_t cluster_size_ = 65536;
    std::uint64_t disk_size_ = 0;
    std::uint64_t first_level_ = 0;
    std::uint64_t first_level_size_ = 0;
    bool zstd_ = false;
    std::uint64_t packed_taken_ = 0;
    std::vector<bool> used_;
    std::vector<std::uint8_t> cluster_;
    std::vector<std::uint8_t> packed_;
};

} // namespace

bool is_qcow2(Bytes beginning) {
    return beginning.size() >= magic.size() && std::equal(magic.begin(), magic.end(), beginning.begin());
}

void convert_qcow2(BorrowedFd from, BorrowedFd to, const std::function<void(std::uint64_t size)>& learn_size,
                   const CountBytes& progress) {
    Conversion conversion{from, to};
    learn_size(conversion.disk_size());
    conversion.run(progress);
}

} // namespace machinist
