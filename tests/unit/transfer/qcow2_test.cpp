// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/qcow2.hpp"

#include "base/failure.hpp"
#include "byte_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <sys/stat.h>
#include <zlib.h>

namespace machinist {
namespace {

using machinist::testing::file_with;

constexpr std::uint64_t cluster = 65536;

// A disk of two clusters: header, first table, second table, then clusters of data.
class Qcow2 {
public:
    Qcow2() : bytes_(3 * cluster, '\0') {
        bytes_.replace(0, 4, "QFI\xfb");
        put32(4, 3);
        put32(20, 16);
        put64(24, 2 * cluster);
        put32(36, 1);
        put64(40, cluster);
        put32(100, 104);
        put64(cluster, 2 * cluster);
    }
    Qcow2& put64(std::uint64_t at, std::uint64_t number) {
        for (unsigned byte = 0; byte < 8; ++byte)
            bytes_[at + byte] = static_cast<char>(number >> (8 * (7 - byte)));
        return *this;
    }
    Qcow2& put32(std::uint64_t at, std::uint32_t number) {
        for (unsigned byte = 0; byte < 4; ++byte)
            bytes_[at + byte] = static_cast<char>(number >> (8 * (3 - byte)));
        return *this;
    }
    Qcow2& entry(unsigned number, std::uint64_t value) {
        return put64(2 * cluster + 8 * number, value);
    }
    Qcow2& append(const std::string& bytes) {
        bytes_ += bytes;
        return *this;
    }
    [[nodiscard]] const std::string& bytes() const {
        return bytes_;
    }

private:
    std::string bytes_;
};

std::string convert(const std::string& bytes) {
    const UniqueFd from = file_with(bytes);
    const UniqueFd to = file_with("");
    std::uint64_t size = 0;
    convert_qcow2(
        from, to, [&](std::uint64_t told) { size = told; }, [](std::uint64_t) {});
    EXPECT_EQ(static_cast<std::uint64_t>(status_of(to).st_size), size);
    ::lseek(to.get(), 0, SEEK_SET);
    return read_all(to, std::size_t{64} << 20);
}

std::string packed_cluster(const std::string& bytes) {
    std::string result(2 * cluster, '\0');
    z_stream stream{};
    EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, -12, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(result.data());
    stream.avail_out = static_cast<uInt>(result.size());
    EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
    result.resize(stream.total_out);
    ::deflateEnd(&stream);
    return result;
}

TEST(AQcow2Image, BecomesADisk) {
    const std::string data(cluster, 'd');

    EXPECT_TRUE(convert(Qcow2{}.entry(1, 3 * cluster | std::uint64_t{1} << 63).append(data).bytes()) ==
                std::string(cluster, '\0') + data);
}

TEST(AQcow2Image, MayHaveCompressedClusters) {
    const std::string data = std::string(cluster / 2, 'a') + std::string(cluster / 2, 'b');
    const std::string packed = packed_cluster(data);
    const std::uint64_t sectors = packed.size() / 512;

    EXPECT_TRUE(convert(Qcow2{}
                            .entry(0, std::uint64_t{1} << 62 | sectors << 54 | 3 * cluster)
                            .append(packed + std::string(1024, '\0'))
                            .bytes()) == data + std::string(cluster, '\0'));
}

TEST(AQcow2Image, MayEndWithinItsLastCluster) {
    EXPECT_TRUE(convert(Qcow2{}.entry(0, 3 * cluster).append("data").bytes()) ==
                "data" + std::string(2 * cluster - 4, '\0'));
}

struct Horror {
    const char* name;
    void (*make)(Qcow2& image);
};

class AHostileQcow2Image : public ::testing::TestWithParam<Horror> {};

TEST_P(AHostileQcow2Image, IsRefused) {
    Qcow2 image;
    GetParam().make(image);

    EXPECT_THROW(convert(image.bytes()), Failure);
}

// clang-format off
constexpr Horror horrors[]{
    {"BackingFile", [](Qcow2& q) { q.put64(8, 512).put32(16, 11); }},
    {"DataFile", [](Qcow2& q) { q.put64(72, 4); }},
    {"Corrupt", [](Qcow2& q) { q.put64(72, 2); }},
    {"UnknownFeature", [](Qcow2& q) { q.put64(72, 1 << 10); }},
    {"Encrypted", [](Qcow2& q) { q.put32(32, 1); }},
    {"UnknownVersion", [](Qcow2& q) { q.put32(4, 9); }},
    {"TinyClusters", [](Qcow2& q) { q.put32(20, 3); }},
    {"HugeClusters", [](Qcow2& q) { q.put32(20, 63); }},
    {"HugeDisk", [](Qcow2& q) { q.put64(24, UINT64_MAX); }},
    {"DiskLargerThanItsTable", [](Qcow2& q) { q.put64(24, std::uint64_t{1} << 40); }},
    {"TableOutside", [](Qcow2& q) { q.put64(40, std::uint64_t{1} << 50); }},
    {"TableNotAligned", [](Qcow2& q) { q.put64(40, 1000); }},
    {"TableIsTheHeader", [](Qcow2& q) { q.put64(40, 0); }},
    {"SecondTableIsTheFirst", [](Qcow2& q) { q.put64(cluster, cluster); }},
    {"SecondTableIsTheHeader", [](Qcow2& q) { q.put64(24, std::uint64_t{1} << 30).put32(36, 2).put64(cluster + 8, 2 * cluster); }},
    {"ClusterIsTheTable", [](Qcow2& q) { q.entry(0, 2 * cluster); }},
    {"ClusterTwice", [](Qcow2& q) { q.append(std::string(cluster, 'x')).entry(0, 3 * cluster).entry(1, 3 * cluster); }},
    {"ClusterOutside", [](Qcow2& q) { q.entry(0, std::uint64_t{1} << 40); }},
    {"CompressedOutside", [](Qcow2& q) { q.entry(0, std::uint64_t{1} << 62 | std::uint64_t{1} << 40); }},
    {"CompressedGarbage", [](Qcow2& q) { q.append(std::string(cluster, '\xee')).entry(0, std::uint64_t{1} << 62 | 3 * cluster); }},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(, AHostileQcow2Image, ::testing::ValuesIn(horrors),
                         [](const auto& one) { return one.param.name; });

TEST(AHeaderOfAQcow2Image, CutOffAnywhereIsRefused) {
    const std::string whole = Qcow2{}.entry(0, 3 * cluster).append("data").bytes();
    for (const std::size_t size : {std::size_t{0}, std::size_t{4}, std::size_t{71}, std::size_t{100},
                                   std::size_t{cluster}, std::size_t{cluster + 4}, std::size_t{2 * cluster + 8}})
        EXPECT_THROW(convert(whole.substr(0, size)), Failure) << size;
}

} // namespace
} // namespace machinist
