// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/input_stream.hpp"

#include "base/failure.hpp"
#include "byte_file.hpp"
#include "packed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <sys/socket.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::packed;
using ::testing::HasSubstr;

// Does not pack to nothing.
std::string some_bytes(std::size_t size) {
    std::string bytes;
    std::uint32_t number = 1;
    while (bytes.size() < size) {
        number = number * 1664525 + 1013904223;
        bytes.append(number % 7, static_cast<char>('a' + number % 23)).append(1, static_cast<char>(number >> 24));
    }
    return bytes;
}

std::string all_of(InputStream& stream) {
    std::string bytes;
    for (Bytes piece = stream.next(); !piece.empty(); piece = stream.next())
        bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return bytes;
}

std::string failure_of(const std::string& bytes) {
    const UniqueFd file = file_with(bytes);
    try {
        InputStream stream{file};
        (void)all_of(stream);
    } catch (const Failure& failure) {
        return failure.what();
    }
    return "";
}

class EveryCompression : public ::testing::TestWithParam<Compression> {};

TEST_P(EveryCompression, IsTakenByWhatIsInTheFile) {
    const std::string bytes = some_bytes(2'500'000);
    const UniqueFd file = file_with(packed(GetParam(), bytes));

    InputStream stream{file, {.digest_as_read = true, .digest_unpacked = true}};

    EXPECT_EQ(stream.compression(), GetParam());
    EXPECT_TRUE(all_of(stream) == bytes);
    EXPECT_EQ(stream.bytes_unpacked(), bytes.size());
    EXPECT_EQ(stream.bytes_read(), stream.total());
    EXPECT_EQ(stream.digest_unpacked().size(), 64U);
    EXPECT_EQ(stream.digest_unpacked() == stream.digest_as_read(), GetParam() == Compression::none);
}

TEST_P(EveryCompression, GoesOnWithAStreamBehindTheFirst) {
    const std::string one = some_bytes(70'000);
    const std::string other = some_bytes(1'300'000);
    const UniqueFd file = file_with(packed(GetParam(), one) + packed(GetParam(), other));

    InputStream stream{file};

    EXPECT_TRUE(all_of(stream) == one + other);
}

TEST_P(EveryCompression, IsRefusedWhenItIsCutOff) {
    if (GetParam() == Compression::none)
        GTEST_SKIP() << "plain bytes have no end of their own";
    const std::string whole = packed(GetParam(), some_bytes(300'000));

    for (const std::size_t missing : {std::size_t{1}, std::size_t{9}, whole.size() / 2, whole.size() - 8})
        EXPECT_NE(failure_of(whole.substr(0, whole.size() - missing)), "") << missing;
}

TEST_P(EveryCompression, IsRefusedWithSomethingElseBehindIt) {
    if (GetParam() == Compression::none)
        GTEST_SKIP() << "plain bytes have no end of their own";

    EXPECT_NE(failure_of(packed(GetParam(), some_bytes(300'000)) + "something else"), "");
}

TEST_P(EveryCompression, IsRefusedWhenItIsDamaged) {
    if (GetParam() == Compression::none)
        GTEST_SKIP() << "plain bytes are what they are";
    std::string bytes = packed(GetParam(), some_bytes(300'000));
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    bytes[bytes.size() / 2 + 1] = static_cast<char>(~bytes[bytes.size() / 2 + 1]);

    EXPECT_NE(failure_of(bytes), "");
}

INSTANTIATE_TEST_SUITE_P(, EveryCompression,
                         ::testing::Values(Compression::none, Compression::gzip, Compression::bzip2, Compression::xz,
                                           Compression::zstd),
                         [](const auto& one) { return std::string{name_of(compression_names, one.param)}; });

TEST(AGzipStream, MayBeFollowedByZeros) {
    const std::string bytes = some_bytes(100'000);
    const UniqueFd file = file_with(packed(Compression::gzip, bytes) + std::string(300'000, '\0'));

    InputStream stream{file};

    EXPECT_TRUE(all_of(stream) == bytes);
}

TEST(AnInputStream, ReadsPipesAsTheyCome) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd from{ends[0]};
    UniqueFd to{ends[1]};
    const std::string bytes = some_bytes(30'000);
    std::thread writer{[&] {
        for (std::size_t at = 0; at < bytes.size(); at += 1000)
            write_all(to, std::string_view{bytes}.substr(at, 1000));
        to.reset();
    }};

    InputStream stream{from};
    const bool same = all_of(stream) == bytes;
    writer.join();

    EXPECT_TRUE(same);
    EXPECT_EQ(stream.total(), std::nullopt);
}

TEST(AnInputStream, EndsWithItsOwnerThoughNothingComes) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd from{ends[0]};
    const UniqueFd to{ends[1]};
    write_all(to, "0123456789");

    { const InputStream stream{from}; }

    SUCCEED();
}

TEST(AnInputStream, HasTheDigestThatOthersCompute) {
    const UniqueFd file = file_with("abc");
    InputStream stream{file, {.digest_as_read = true}};

    (void)all_of(stream);

    EXPECT_EQ(stream.digest_as_read(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(AnInputStream, OfAnEmptyFileEndsAtOnce) {
    EXPECT_EQ(failure_of(""), "");
}

TEST(Compressions, AreToldBySuffixForFilesThatAreWritten) {
    EXPECT_EQ(compression_by_suffix("web.tar.zst"), Compression::zstd);
    EXPECT_EQ(compression_by_suffix("web.tgz"), Compression::gzip);
    EXPECT_EQ(compression_by_suffix("web.raw.xz"), Compression::xz);
    EXPECT_EQ(compression_by_suffix("web.tar.bz2"), Compression::bzip2);
    EXPECT_EQ(compression_by_suffix("web.tar"), std::nullopt);
}

} // namespace
} // namespace machinist
