// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/host_ids.hpp"

#include "temporary_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

namespace {

constexpr std::uint32_t base = 655360;
constexpr std::uint32_t size = 65536;

class AHost : public ::testing::Test {
protected:
    [[nodiscard]] bool knows(const std::string& getent = "") const {
        return host_knows_ids(base, size, {etc_.path(), getent});
    }
    // A database program that knows nothing but leaves a trace, or answers with what it is asked for.
    [[nodiscard]] std::string database(const std::string& script) const {
        etc_.write("getent", "#!/bin/sh\n" + script + "\n");
        ::chmod((etc_.path() / "getent").c_str(), 0755);
        return etc_.path() / "getent";
    }

    TemporaryDirectory etc_;
};

} // namespace

TEST_F(AHost, WithoutAnyUserKnowsNoId) {
    EXPECT_FALSE(knows());
}

TEST_F(AHost, KnowsTheIdsOfItsUsersAndGroups) {
    etc_.write("passwd", "root:x:0:0::/root:/bin/sh\n");
    EXPECT_FALSE(knows());

    etc_.write("group", "big:x:655400:\n");
    EXPECT_TRUE(knows());
}

TEST_F(AHost, KnowsTheRangesOfItsUsers) {
    etc_.write("subuid", "alice:524288:65536\n");
    EXPECT_FALSE(knows());

    etc_.write("subgid", "bob:720895:1\n");
    EXPECT_TRUE(knows());
}

TEST_F(AHost, IsNotConfusedByLinesThatAreNone) {
    etc_.write("passwd", ":::\nx\n655360\na:b:c:d\n\n");
    etc_.write("subuid", "a:b:c\n::\nx:-1:4\ny:18446744073709551615:1\n");

    EXPECT_FALSE(knows());
}

TEST_F(AHost, IsNotAskedFurtherIfItsDatabaseIsFiles) {
    etc_.write("nsswitch.conf", "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd # ldap\n");

    EXPECT_FALSE(knows(database("touch " + (etc_.path() / "asked").string())));
    EXPECT_FALSE(std::filesystem::exists(etc_.path() / "asked"));
}

TEST_F(AHost, IsAskedIfItsDatabaseIsMoreThanFiles) {
    etc_.write("nsswitch.conf", "passwd: files ldap\n");

    EXPECT_TRUE(knows(database("echo \"$1 $2 $3\" >> " + (etc_.path() / "asked").string() + "; echo someone")));
    EXPECT_EQ(read_file(etc_.path() / "asked"), "passwd 655360 720894\n");
}

TEST_F(AHost, WhoseDatabaseAnswersNothingKnowsNothing) {
    etc_.write("nsswitch.conf", "group: ldap\n");

    EXPECT_FALSE(knows(database("exit 2")));
    EXPECT_FALSE(knows("/nonexistent/getent"));
}
