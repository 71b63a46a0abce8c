// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/resource_limits.hpp"

#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ALimit, IsNamedWithOrWithoutItsPrefix) {
    EXPECT_EQ(limit_named("NOFILE"), RLIMIT_NOFILE);
    EXPECT_EQ(limit_named("RLIMIT_CORE"), RLIMIT_CORE);
    EXPECT_FALSE(limit_named("nofile"));
    for (int resource = 0; resource < RLIM_NLIMITS; ++resource)
        EXPECT_EQ(limit_named(limit_name(resource)), resource);
}

TEST(ALimit, IsReadInTheUnitOfItsResource) {
    EXPECT_EQ(parse_limit(RLIMIT_NOFILE, "1024:524288"), (LimitSetting{1024, 524288}));
    EXPECT_EQ(parse_limit(RLIMIT_CORE, "infinity"), (LimitSetting{RLIM_INFINITY, RLIM_INFINITY}));
    EXPECT_EQ(parse_limit(RLIMIT_MEMLOCK, "8M:infinity"), (LimitSetting{8388608, RLIM_INFINITY}));
    EXPECT_EQ(parse_limit(RLIMIT_CPU, "1min 30s"), (LimitSetting{90, 90}));
    EXPECT_EQ(parse_limit(RLIMIT_CPU, "500ms"), (LimitSetting{1, 1}));
    EXPECT_EQ(parse_limit(RLIMIT_RTTIME, "200ms"), (LimitSetting{200000, 200000}));
    EXPECT_EQ(parse_limit(RLIMIT_NICE, "-5"), (LimitSetting{25, 25}));
    EXPECT_EQ(parse_limit(RLIMIT_NICE, "40"), (LimitSetting{40, 40}));
}

TEST(ALimit, WithoutMeaningIsNothing) {
    for (const char* text : {"", ":", "1:", "2:1", "infinity:1", "x", "-1", "1K", "1:2:3", "99999999999999999999"})
        EXPECT_FALSE(parse_limit(RLIMIT_NOFILE, text)) << text;
    for (const char* text : {"1 fortnight", "s", "18446744073709551615w", " "})
        EXPECT_FALSE(parse_limit(RLIMIT_CPU, text)) << text;
    for (const char* text : {"-21", "+20", "41"})
        EXPECT_FALSE(parse_limit(RLIMIT_NICE, text)) << text;
    EXPECT_FALSE(parse_limit(RLIM_NLIMITS, "1"));
}

TEST(TheDefaultLimits, AreOneForEachResource) {
    const auto limits = default_limits(a_host());
    EXPECT_THAT(limits, SizeIs(RLIM_NLIMITS));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_NOFILE, 1024, 524288}));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_CORE, 0, RLIM_INFINITY}));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_STACK, 8388608, RLIM_INFINITY}));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_MEMLOCK, 8388608, 8388608}));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_MSGQUEUE, 819200, 819200}));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_RTPRIO, 0, 0}));
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_NPROC, 31000, 31000}));
}

TEST(TheDefaultLimits, NeverGoBeyondWhatTheHostAllowsOrWasSeenToHave) {
    HostFacts host = a_host();
    host.nr_open = 512;
    host.pid1_nproc_soft = host.pid1_nproc_hard = 0;
    const auto limits = default_limits(host);
    EXPECT_THAT(limits, Contains(LimitSpec{RLIMIT_NOFILE, 512, 512}));
    EXPECT_THAT(limits, Not(Contains(LimitSpec{RLIMIT_NPROC, 0, 0})));
}

} // namespace machinist
