// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/plain_user_options.hpp"

#include "spec/option_table.hpp"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>

using namespace machinist;

namespace {

const Option* row_named(std::string_view name) {
    const auto table = option_table();
    const auto row = std::ranges::find(table, name, [](const Option& one) { return std::string_view{one.name}; });
    return row == table.end() ? nullptr : &*row;
}

} // namespace

TEST(OptionsOfPlainUsers, AreAllInTheTable) {
    for (const std::string_view name : options_of_plain_users()) {
        ASSERT_NE(row_named(name), nullptr) << name;
        EXPECT_TRUE(may_plain_user_give(*row_named(name))) << name;
    }
}

// What an untrusted file may not say either, and is given all the same, is named here.
TEST(OptionsOfPlainUsers, AreFewThatUntrustedSettingsMayNotSay) {
    constexpr auto known =
        std::to_array<std::string_view>({"ephemeral", "layer", "uuid", "private-users-delegate", "private-network",
                                         "network-veth", "background", "set-credential"});
    for (const std::string_view name : options_of_plain_users())
        if (row_named(name)->trust != Trust::open) {
            EXPECT_NE(std::ranges::find(known, name), known.end()) << name;
        }
}

TEST(OptionsOfPlainUsers, NameNothingOfTheHost) {
    for (const Option& row : option_table())
        if (row.group == OptionGroup::mounts) {
            EXPECT_FALSE(may_plain_user_give(row)) << row.name;
        }
}

TEST(OptionsOfPlainUsers, AreNoKeysWithoutAnOption) {
    for (const Option& row : option_table())
        if (row.name[0] == '\0') {
            EXPECT_FALSE(may_plain_user_give(row)) << row.key << row.letter;
        }
}
