// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/link_names.hpp"

#include <gtest/gtest.h>
#include <set>

namespace machinist {

TEST(ALinkName, IsWhatTheKernelTakesAsOne) {
    for (const char* name : {"eth0", "a", "ve-web.example", "123456789012345x", "br_0", "-x", "0x"})
        EXPECT_EQ(is_link_name(name), std::string_view{name}.size() <= 15) << name;
    for (const char* name :
         {"", ".", "..", "a b", "a/b", "a:b", "a%d", "42", "all", "default", "a\n", "\x7f", "\xc3\xa4"})
        EXPECT_FALSE(is_link_name(name)) << name;
}

TEST(ALinkName, MayBeLongerWhereALinkIsOnlyLookedFor) {
    EXPECT_TRUE(is_link_name("enp0s31f6-of-the-first-floor", longest_alternative_link_name));
    EXPECT_FALSE(is_link_name(std::string(128, 'a'), longest_alternative_link_name));
}

// What systemd-nspawn 252 calls them.
TEST(ALongLinkName, IsCutAndHashedAsBySystemdNspawn) {
    EXPECT_EQ(fitting_link_name("ve-web"), "ve-web");
    EXPECT_EQ(fitting_link_name("ve-averyveryverylongname"), "ve-averyverUARo");
    EXPECT_EQ(fitting_link_name("vb-averyveryverylongname"), "vb-averyverp3ja");
}

TEST(ALinkName, ThatIsTakenHasOthersInItsPlace) {
    std::set<std::string> names;
    for (unsigned tries = 0; tries < 8; ++tries) {
        EXPECT_TRUE(is_link_name(fitting_link_name("ve-web", tries)));
        EXPECT_TRUE(names.insert(fitting_link_name("ve-web", tries)).second);
    }
}

} // namespace machinist
