// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/unix_listeners.hpp"

#include "base/unique_fd.hpp"
#include "temporary_directory.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist {
namespace {

class ASocketInTheFilesystem : public ::testing::Test {
protected:
    [[nodiscard]] std::filesystem::path path() const {
        return directory.path() / "socket";
    }
    [[nodiscard]] UniqueFd bound() const {
        UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(
            ::bind(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address), 0);
        return socket;
    }
    testing::TemporaryDirectory directory;
};

TEST_F(ASocketInTheFilesystem, IsListenedAtWhileSomebodyDoes) {
    EXPECT_FALSE(is_listened_at(path()));
    UniqueFd socket = bound();
    EXPECT_FALSE(is_listened_at(path()));
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    EXPECT_TRUE(is_listened_at(path()));
    socket.reset();
    EXPECT_TRUE(std::filesystem::exists(path()));
    EXPECT_FALSE(is_listened_at(path()));
}

TEST_F(ASocketInTheFilesystem, IsAnotherOneOnceItsPathIs) {
    const UniqueFd first = bound();
    ASSERT_EQ(::listen(first.get(), 1), 0);
    std::filesystem::rename(path(), directory.path() / "moved");
    const UniqueFd second = bound();

    EXPECT_FALSE(is_listened_at(path()));
    EXPECT_TRUE(is_listened_at(directory.path() / "moved"));
}

} // namespace
} // namespace machinist
