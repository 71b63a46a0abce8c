// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tar_packing.hpp"

#include "base/failure.hpp"
#include "byte_file.hpp"
#include "kernel/process.hpp"
#include "temporary_directory.hpp"
#include "transfer/tar_extraction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::TemporaryDirectory;
using ::testing::HasSubstr;

class ATree : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
        tree.write("etc/motd", "hello");
        tree.link("/proc/mounts", "etc/mtab");
        ASSERT_EQ(::link(at("etc/motd").c_str(), at("issue").c_str()), 0);
        ASSERT_EQ(::chown(at("etc/motd").c_str(), 1000, 3'000'000'000), 0);
        ASSERT_EQ(::chmod(at("etc/motd").c_str(), 06755), 0);
        ASSERT_EQ(::mknod(at("pipe").c_str(), S_IFIFO | 0600, 0), 0);
        ASSERT_EQ(::setxattr(at("etc").c_str(), "user.note", "kept", 4, 0), 0);
        // Named user 1000 may read.
        const char list[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\350\3\0\0\4\0\4\0\377\377\377\377"
                            "\20\0\4\0\377\377\377\377\40\0\0\0\377\377\377\377";
        tree.write("listed", "x");
        ASSERT_EQ(::setxattr(at("listed").c_str(), "system.posix_acl_access", list, sizeof list - 1, 0), 0);
        const UniqueFd disk = open_path(at("disk"), O_RDWR | O_CREAT, 0600);
        ASSERT_EQ(::ftruncate(disk.get(), 64 << 20), 0);
        ASSERT_EQ(::pwrite(disk.get(), "data", 4, 32 << 20), 4);
        tree.write(std::string(150, 'n') + "/\xff\xfe not text", "odd");
    }
    [[nodiscard]] std::string at(const std::string& name) const {
        return (tree.path() / name).string();
    }
    std::string pack(Compression compression = Compression::none) {
        const UniqueFd file = file_with("");
        OutputStream stream{file, compression};
        pack_tar(tree.descriptor(), stream);
        stream.finish();
        ::lseek(file.get(), 0, SEEK_SET);
        return read_all(file, std::size_t{1} << 30);
    }

    TemporaryDirectory tree;
};

std::string listing(const std::filesystem::path& root) {
    std::map<std::string, std::string> lines;
    std::map<ino_t, std::string> first;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
        struct stat status {};
        ::lstat(entry.path().c_str(), &status);
        const std::string name = entry.path().lexically_relative(root).string();
        char list[64];
        const ssize_t size = S_ISLNK(status.st_mode)
                                 ? -1
                                 : ::getxattr(entry.path().c_str(), "system.posix_acl_access", list, sizeof list);
        lines[name] = std::to_string(status.st_mode) + " " + std::to_string(status.st_uid) + ":" +
                      std::to_string(status.st_gid) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
                      std::to_string(status.st_mtim.tv_nsec) + " " +
                      std::to_string(S_ISDIR(status.st_mode) ? 0 : status.st_size) + " links " +
                      std::to_string(S_ISDIR(status.st_mode) ? 0 : status.st_nlink) + " list " + std::to_string(size);
    }
    std::string text;
    for (const auto& [name, line] : lines)
        text += name + " " + line + "\n";
    return text;
}

TEST_F(ATree, ComesBackAsItWas) {
    const std::string bytes = pack();
    const UniqueFd file = file_with(bytes);
    InputStream stream{file};
    TemporaryDirectory copy;

    extract_tar(stream, copy.descriptor());

    EXPECT_EQ(listing(copy.path()), listing(tree.path()));
    char note[8]{};
    EXPECT_EQ(::getxattr((copy.path() / "etc").c_str(), "user.note", note, sizeof note), 4);
    struct stat disk {};
    ASSERT_EQ(::stat((copy.path() / "disk").c_str(), &disk), 0);
    EXPECT_LT(disk.st_blocks * 512, 1 << 20);
    EXPECT_LT(bytes.size(), std::size_t{1} << 20) << "holes must not be in the archive";
}

TEST_F(ATree, IsReadByOthers) {
    const TemporaryDirectory place;
    const TemporaryDirectory copy;
    for (const auto& [compression, name] :
         {std::pair{Compression::gzip, "a.gz"}, std::pair{Compression::none, "a"},
          std::pair{Compression::bzip2, "a.bz2"}, std::pair{Compression::xz, "a.xz"}}) {
        place.write(name, pack(compression));

        const auto result = run_program({"tar", "-C", copy.path().string(), "-xf", (place.path() / name).string()});

        EXPECT_EQ(result.status, 0) << name;
        EXPECT_TRUE(std::filesystem::exists(copy.path() / "etc/motd")) << name;
    }
}

TEST_F(ATree, BecomesTheSameArchiveAgain) {
    EXPECT_TRUE(pack() == pack());
}

TEST_F(ATree, IsPackedInEveryWay) {
    const std::string plain = pack();
    for (const auto& [compression, name] : compression_names) {
        const UniqueFd file = file_with(pack(compression));
        InputStream stream{file};
        std::string unpacked;
        for (Bytes piece = stream.next(); !piece.empty(); piece = stream.next())
            unpacked.append(reinterpret_cast<const char*>(piece.data()), piece.size());

        EXPECT_EQ(stream.compression(), compression);
        EXPECT_TRUE(unpacked == plain) << name;
    }
}

TEST_F(ATree, LosesItsSockets) {
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    at("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

    EXPECT_THAT(pack(), ::testing::Not(HasSubstr("./socket")));
}

TEST(AParallelGzipStream, IsOneStreamOfManyBlocks) {
    std::string bytes;
    for (int number = 0; bytes.size() < 3'000'000; ++number)
        bytes += std::to_string(number * 7919 % 100'003) + (number % 3 == 0 ? "\n" : " machine ");
    const UniqueFd file = file_with("");
    OutputStream out{file, Compression::gzip};
    out.write({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    out.finish();
    const TemporaryDirectory place;
    ::lseek(file.get(), 0, SEEK_SET);
    place.write("bytes.gz", read_all(file, std::size_t{1} << 30));

    // Its figures of size and sum are at the end of the last member only if there is one.
    const auto result = run_program({"gzip", "-l", (place.path() / "bytes.gz").string()});
    EXPECT_THAT(result.output, HasSubstr(std::to_string(bytes.size())));
    EXPECT_EQ(run_program({"gzip", "-t", (place.path() / "bytes.gz").string()}).status, 0);
}

TEST(AnOutputStream, TellsThatTheDiskIsFull) {
    const UniqueFd full = open_path("/dev/full", O_WRONLY);
    OutputStream stream{full, Compression::none};
    const std::vector<std::uint8_t> zeros(std::size_t{1} << 20);

    try {
        for (int count = 0; count < 64; ++count)
            stream.write(zeros);
        stream.finish();
        FAIL() << "nothing was said";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.error_number(), ENOSPC);
    }
}

} // namespace
} // namespace machinist
