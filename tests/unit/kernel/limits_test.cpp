// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/limits.hpp"

#include "base/failure.hpp"
#include "in_child.hpp"
#include "kernel/capabilities.hpp"

#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/utsname.h>

namespace machinist {
namespace {

TEST(AResourceLimit, IsSetAsWantedWhereItMayBe) {
    EXPECT_EQ(failure_in_child([] {
                  set_closest_limit(RLIMIT_CORE, {100, 200});
                  rlimit now{};
                  ::getrlimit(RLIMIT_CORE, &now);
                  require(now.rlim_cur == 100 && now.rlim_max == 200, "the limit differs");
              }),
              "");
}

TEST(AResourceLimit, ComesAsCloseAsTheHardLimitLetsIt) {
    EXPECT_EQ(failure_in_child([] {
                  set_capabilities({});
                  set_closest_limit(RLIMIT_NOFILE, {100, 200});
                  const rlimit soft_fits = set_closest_limit(RLIMIT_NOFILE, {150, RLIM_INFINITY});
                  require(soft_fits.rlim_cur == 150 && soft_fits.rlim_max == 200, "the hard limit was not kept");
                  const rlimit none_fits = set_closest_limit(RLIMIT_NOFILE, {RLIM_INFINITY, RLIM_INFINITY});
                  require(none_fits.rlim_cur == 200 && none_fits.rlim_max == 200, "the soft limit was not lowered");
              }),
              "");
}

TEST(AResourceLimit, ThatDoesNotExistIsAFailure) {
    EXPECT_THROW(set_closest_limit(4711, {1, 1}), Failure);
}

TEST(TheOomScore, IsAdjusted) {
    EXPECT_EQ(failure_in_child([] {
                  set_oom_score_adjustment(700);
                  int now = 0;
                  std::ifstream{"/proc/self/oom_score_adj"} >> now;
                  require(now == 700, "the score differs");
              }),
              "");
}

TEST(TheOomScore, OutOfRangeIsAFailureThatNamesIt) {
    const std::string failure = failure_in_child([] { set_oom_score_adjustment(5000); });

    EXPECT_NE(failure.find("5000"), std::string::npos) << failure;
}

TEST(TheCpuAffinity, IsTheListedOnes) {
    EXPECT_EQ(failure_in_child([] {
                  set_cpu_affinity(std::array{0, 4000});
                  cpu_set_t now;
                  ::sched_getaffinity(0, sizeof now, &now);
                  require(CPU_COUNT(&now) == 1 && CPU_ISSET(0, &now), "the CPUs differ");
              }),
              "");
}

TEST(TheCpuAffinity, RefusesNumbersThatAreNone) {
    EXPECT_THROW(set_cpu_affinity(std::array{-1}), Failure);
    EXPECT_THROW(set_cpu_affinity(std::array{1 << 20}), Failure);
}

#ifdef __x86_64__
TEST(ThePersonality, IsWhatUnameSays) {
    EXPECT_EQ(failure_in_child([] {
                  set_personality("");
                  set_personality("x86");
                  utsname name{};
                  ::uname(&name);
                  require(std::string{name.machine} == "i686", "the architecture differs");
                  set_personality("x86-64");
                  ::uname(&name);
                  require(std::string{name.machine} == "x86_64", "the architecture did not come back");
              }),
              "");
}
#endif

TEST(ThePersonality, OfAForeignProcessorIsRefused) {
    EXPECT_THROW(set_personality("vax"), Failure);
}

} // namespace
} // namespace machinist
