// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/scope_name.hpp"

#include <gtest/gtest.h>

namespace machinist {

TEST(TheNameOfAScope, IsTheMachinesEscapedAsSystemdDoes) {
    EXPECT_EQ(scope_name("web"), "machine-web.scope");
    EXPECT_EQ(scope_name("a-b_c.d"), "machine-a\\x2db_c.d.scope");
    EXPECT_EQ(scope_name("web@17"), "machine-web\\x4017.scope");
    EXPECT_EQ(scope_name(".a"), "machine-\\x2ea.scope");
}

} // namespace machinist
