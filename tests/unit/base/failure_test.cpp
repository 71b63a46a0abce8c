// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"

#include <cerrno>
#include <gtest/gtest.h>

namespace machinist {

TEST(AFailure, SaysStageObjectCauseAndRemedyInOneSentence) {
    Failure failure = system_failure("mount '/dev'", EPERM);
    failure.try_instead("--private-users=no");

    failure.add_context("start machine 'web'");

    EXPECT_STREQ(failure.what(), "start machine 'web': mount '/dev': Operation not permitted; try --private-users=no");
}

TEST(AFailure, KeepsTheNearestRemedy) {
    Failure failure{FailureKind::busy, "lock the image"};

    failure.try_instead("-x").try_instead("waiting");

    EXPECT_EQ(failure.remedy(), "-x");
}

TEST(AFailure, ArrivesInTheParentAsItLeftTheChild) {
    Failure failure = system_failure("make '/run'", ENOSPC);
    failure.add_context("mount the API filesystems");
    failure.try_instead("freeing memory");

    const auto arrived = Failure::deserialize(failure.serialize());

    ASSERT_TRUE(arrived);
    EXPECT_STREQ(arrived->what(), failure.what());
    EXPECT_EQ(arrived->kind(), failure.kind());
    EXPECT_EQ(arrived->error_number(), ENOSPC);
}

TEST(AFailure, IsNotReadFromBytesThatAreNone) {
    const std::string good = Failure{FailureKind::busy, "x"}.serialize();

    for (const std::string& bytes : {std::string{}, std::string{"junk"}, good.substr(0, good.size() - 1), good + "more",
                                     std::string{"99\0000\0\0\0\0", 9}})
        EXPECT_FALSE(Failure::deserialize(bytes)) << bytes;
}

TEST(AFailure, TakesItsKindFromTheErrorNumber) {
    EXPECT_EQ(system_failure("x", ENOENT).kind(), FailureKind::not_found);
    EXPECT_EQ(system_failure("x", EBUSY).kind(), FailureKind::busy);
    EXPECT_EQ(system_failure("x", EACCES).kind(), FailureKind::not_permitted);
    EXPECT_EQ(system_failure("x", EIO).kind(), FailureKind::system);
}

} // namespace machinist
