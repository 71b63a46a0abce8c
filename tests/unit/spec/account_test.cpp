// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/account.hpp"

#include "base/failure.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

constexpr const char* passwd = "root:x:0:0:root:/root:/bin/bash\n"
                               "1000:x:0:0::/:/bin/sh\n"
                               "broken:x:zero:0::/:/bin/sh\n"
                               "huge:x:4294967296:0::/:/bin/sh\n"
                               "nochange:x:4294967295:0::/:/bin/sh\n"
                               "short:x:5:5\n"
                               "long:x:5:5::/:/bin/sh:more\n"
                               "alice:x:1001:1001:Alice,,,:/home/alice:/bin/zsh\n"
                               "alice:x:0:0::/root:/bin/sh\n"
                               "odd:x:1002:1002::relative:sh\n"
                               "+nis::::::\n";
constexpr const char* group = "root:x:0:\n"
                              "staff:x:50:alice,bob\n"
                              "sudo:x:27:bob,alice\n"
                              "alices:x:1001:alice\n"
                              "bad:x:-1:alice\n"
                              "27:x:99:\n";

FailureKind kind_of_failure(const char* user) {
    try {
        find_account(user, passwd, group);
    } catch (const Failure& failure) {
        return failure.kind();
    }
    return FailureKind::internal;
}

} // namespace

TEST(AnAccount, IsTheFirstOfItsName) {
    EXPECT_EQ(find_account("alice", passwd, group), (Account{.name = "alice",
                                                             .uid = 1001,
                                                             .gid = 1001,
                                                             .groups = {50, 27},
                                                             .home = "/home/alice",
                                                             .shell = "/bin/zsh"}));
}

TEST(AnAccount, IsFoundByItsNumberToo) {
    EXPECT_EQ(find_account("1001", passwd, group), find_account("alice", passwd, group));
}

TEST(AnAccount, IsNeverFoundByANameOfDigits) {
    const Account account = find_account("1000", passwd, group);

    EXPECT_EQ(account.uid, 1000u);
    EXPECT_EQ(account.name, "");
    EXPECT_TRUE(account.groups.empty());
}

TEST(AnAccount, IsRefusedForWhatIsNeitherNameNorNumber) {
    for (const char* user :
         {"",    "-1",  "+1",     "4294967295", "4294967296", "1000x", "0x0",     "1 ",      " 1",           "../root",
          "a/b", "a b", "root\n", ":",          ":0",         "root:", "root:1x", "root:-1", "0:4294967295", "-u"})
        EXPECT_EQ(kind_of_failure(user), FailureKind::invalid) << user;
}

TEST(AnAccount, IsNotMadeOfABrokenLine) {
    for (const char* user : {"broken", "huge", "nochange", "short", "long", "nobody"})
        EXPECT_EQ(kind_of_failure(user), FailureKind::not_found) << user;
}

TEST(AnAccount, TakesAGroupByNameOrNumberAndNoOthersThen) {
    EXPECT_EQ(find_account("alice:sudo", passwd, group).gid, 27u);
    EXPECT_EQ(find_account("alice:27", passwd, group).gid, 27u);
    EXPECT_TRUE(find_account("alice:27", passwd, group).groups.empty());
    EXPECT_EQ(kind_of_failure("alice:wheel"), FailureKind::not_found);
}

TEST(AnAccount, HasNoHomeOrShellThatIsRelative) {
    const Account account = find_account("odd", passwd, group);

    EXPECT_EQ(account.home, "/");
    EXPECT_EQ(account.shell, "");
}

TEST(AnAccount, OfRootExistsInAnImageWithoutAccounts) {
    EXPECT_EQ(find_account("root", "", "").home, "/root");
    EXPECT_EQ(find_account("0", "", "").uid, 0u);
}

TEST(AnAccount, HasALimitedNumberOfGroups) {
    std::string many;
    for (int number = 0; number < 5000; ++number)
        many += "g" + std::to_string(number) + ":x:" + std::to_string(20000 + number) + ":alice\n";

    EXPECT_EQ(find_account("alice", passwd, many).groups.size(), account_group_limit);
}

} // namespace machinist
