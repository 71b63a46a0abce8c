// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(DelegatedRanges, AreNoneUnlessTheyAreAskedFor) {
    EXPECT_EQ(machinist_run({"--private-users=managed", "--private-network", "ls"}).spec().users.nested_ranges, 0U);
}

TEST(DelegatedRanges, AreGivenToManagedUsersWithoutTheRestOfNesting) {
    const MachineSpec spec =
        machinist_run({"--private-users=managed", "--private-network", "--private-users-delegate=3", "ls"}).spec();

    EXPECT_EQ(spec.users.kind, UserNamespaceKind::managed);
    EXPECT_EQ(spec.users.nested_ranges, 3U);
    EXPECT_THAT(spec.users.nested_bases, IsEmpty());
    EXPECT_FALSE(spec.nesting);
    EXPECT_THAT(spec.syscall_filter.allow, IsEmpty());
}

TEST(DelegatedRanges, AreAtMostSixteen) {
    EXPECT_EQ(nspawn({"--private-users=managed", "--private-network", "--private-users-delegate=16", "ls"})
                  .spec()
                  .users.nested_ranges,
              16U);
    for (const char* number : {"17", "-1", "", "two", "4294967296", "1 "})
        EXPECT_THAT(nspawn({"--private-users=managed", "--private-network",
                            "--private-users-delegate=" + std::string{number}, "ls"})
                        .sentences(),
                    ElementsAre(HasSubstr("is no number from 0 to 16")))
            << number;
}

TEST(DelegatedRanges, AreRefusedWithoutManagedUsers) {
    for (const char* users : {"no", "pick", "yes", "identity", "655360:65536"})
        EXPECT_THAT(nspawn({"--private-users=" + std::string{users}, "--private-users-delegate=1", "ls"}).sentences(),
                    Contains(HasSubstr("--private-users-delegate is for users that are chosen for one start")))
            << users;
    EXPECT_THAT(nspawn({"--private-users-delegate=1", "-U", "ls"}).sentences(),
                Contains(HasSubstr("--private-users-delegate")));
    EXPECT_THAT(nspawn({"--private-users-delegate=0", "ls"}).sentences(), IsEmpty());
}

TEST(DelegatedRanges, AreAKeyOfTrustedSettingsFiles) {
    Decision decision = nspawn({"--private-network", "ls"});
    decision.settings_file = "[Exec]\nPrivateUsers=managed\nPrivateUsersDelegate=2\n";
    EXPECT_EQ(decision.spec().users.nested_ranges, 2U);

    decision.settings_file = "[Exec]\nPrivateUsersDelegate=2\n";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("--private-users-delegate is for users")));

    const SettingsFile untrusted = parse_settings_file("[Exec]\nPrivateUsersDelegate=2\n", "web.nspawn", false);
    EXPECT_FALSE(untrusted.settings.users);
}

TEST(DelegatedRanges, AreRefusedBesideNesting) {
    EXPECT_THAT(
        machinist_run({"--private-users=managed", "--private-network", "--private-users-delegate=1", "--nesting", "ls"})
            .sentences(),
        ElementsAre(HasSubstr("--private-users-delegate and --nesting exclude each other")));
}

TEST(DelegatedRanges, AreFewForUsersWithoutRights) {
    const auto of_user = [](const char* number) {
        return machinist_run({"--directory=/tree", "--private-users=managed", "--private-network", "--managed-by=1000",
                              "--private-users-delegate=" + std::string{number}, "ls"});
    };
    EXPECT_EQ(of_user("4").spec().users.nested_ranges, 4U);
    EXPECT_THAT(of_user("5").sentences(), ElementsAre(HasSubstr("has at most 4 ranges more")));
}

} // namespace machinist
