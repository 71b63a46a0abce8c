// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/access_list.hpp"

#include <cstring>
#include <endian.h>
#include <gtest/gtest.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <vector>

using namespace machinist;

namespace {

struct Entry {
    std::uint16_t tag;
    std::uint32_t id;
};

std::string list_of(const std::vector<Entry>& entries) {
    const std::uint32_t version = htole32(POSIX_ACL_XATTR_VERSION);
    std::string bytes(reinterpret_cast<const char*>(&version), sizeof version);
    for (const Entry& entry : entries) {
        const posix_acl_xattr_entry raw{htole16(entry.tag), htole16(ACL_READ), htole32(entry.id)};
        bytes.append(reinterpret_cast<const char*>(&raw), sizeof raw);
    }
    return bytes;
}

} // namespace

TEST(AnAccessList, GetsTheIdsOfTheRangeForNamedUsersAndGroups) {
    std::string list = list_of({{ACL_USER_OBJ, 0xffffffff}, {ACL_USER, 1000}, {ACL_GROUP, 33}, {ACL_MASK, 0xffffffff}});

    EXPECT_TRUE(shift_access_list(list, 655360));

    EXPECT_EQ(list,
              list_of({{ACL_USER_OBJ, 0xffffffff}, {ACL_USER, 656360}, {ACL_GROUP, 655393}, {ACL_MASK, 0xffffffff}}));
}

TEST(AnAccessList, StaysAsItIsIfItIsRightAlready) {
    std::string list = list_of({{ACL_USER, 656360}});

    EXPECT_FALSE(shift_access_list(list, 655360));
}

TEST(AnAccessList, StaysAsItIsIfItIsNone) {
    for (std::string bytes :
         {std::string{}, std::string{"abc"}, std::string(4 + 8 * 2, '\xee'), list_of({{ACL_USER, 1}}) + "x"}) {
        const std::string before = bytes;

        EXPECT_FALSE(shift_access_list(bytes, 655360));
        EXPECT_EQ(bytes, before);
    }
}
