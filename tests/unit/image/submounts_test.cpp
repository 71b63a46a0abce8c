// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/submounts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace machinist;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr const char* a_table = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                "30 22 8:2 / /images/web/var/lib rw - ext4 /dev/sda2 rw\n"
                                "31 22 8:3 / /images/web/var rw shared:1 - ext4 /dev/sda3 rw\n"
                                "32 22 8:4 / /images/web2/var rw - ext4 /dev/sda4 rw\n"
                                "33 22 8:5 / /images/web/with\\040blank rw - ext4 /dev/sda5 rw\n"
                                "34 22 8:6 / /images/web/var rw - tmpfs tmpfs rw\n"
                                "short line\n";

} // namespace

TEST(Submounts, AreThoseBelowTheDirectoryParentsFirst) {
    EXPECT_THAT(submounts_in(a_table, "/images/web"), ElementsAre("var", "var/lib", "with blank"));
}

TEST(Submounts, DoNotIncludeTheDirectoryItself) {
    EXPECT_THAT(submounts_in(a_table, "/images/web/with blank"), IsEmpty());
}

TEST(Submounts, OfTheRootAreAllOthers) {
    EXPECT_EQ(submounts_in(a_table, "/").size(), 4U);
}
