// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/file_locks.hpp"

#include "kernel/files.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

namespace machinist {

TEST(ALockOfAFile, IsSeenWithoutBeingTaken) {
    std::string path = ::testing::TempDir() + "machinist-lock-XXXXXX";
    const UniqueFd file{::mkstemp(path.data())};
    const UniqueFd other = open_path(path, O_RDWR);
    ::unlink(path.c_str());
    EXPECT_FALSE(is_locked(other));

    ASSERT_EQ(::flock(file.get(), LOCK_EX | LOCK_NB), 0);
    EXPECT_TRUE(is_locked(other));
    ASSERT_EQ(::flock(file.get(), LOCK_UN), 0);
    EXPECT_FALSE(is_locked(other));

    struct flock whole {};
    whole.l_type = F_WRLCK;
    ASSERT_EQ(::fcntl(file.get(), F_OFD_SETLK, &whole), 0);
    EXPECT_TRUE(is_locked(other));
}

} // namespace machinist
