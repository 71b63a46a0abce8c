// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/capabilities.hpp"

#include "base/failure.hpp"
#include "in_child.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>

namespace machinist {
namespace {

constexpr std::uint64_t bit(unsigned capability) {
    return std::uint64_t{1} << capability;
}

// As the kernel prints it: a second opinion.
std::uint64_t from_status(const std::string& field) {
    std::ifstream status{"/proc/self/status"};
    for (std::string word; status >> word;)
        if (word == field + ":") {
            status >> word;
            return std::stoull(word, nullptr, 16);
        }
    throw std::runtime_error{"no field " + field};
}

void require_sets(const CapabilitySets& expected) {
    require(from_status("CapEff") == expected.effective, "the effective set differs");
    require(from_status("CapPrm") == expected.permitted, "the permitted set differs");
    require(from_status("CapInh") == expected.inheritable, "the inheritable set differs");
    require(from_status("CapAmb") == expected.ambient, "the ambient set differs");
    require(current_capabilities() == expected, "the sets that are read differ");
}

class Capabilities : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
};

TEST(TheLastCapability, IsTheOneThatTheKernelNames) {
    std::ifstream file{"/proc/sys/kernel/cap_last_cap"};
    std::uint64_t expected = 0;
    file >> expected;

    EXPECT_EQ(last_capability(), expected);
    EXPECT_EQ(all_capabilities() >> last_capability(), 1U);
}

TEST(ThePayloadsCapabilities, AreAllThatIsRetainedForRoot) {
    EXPECT_EQ(payload_capabilities(0xf0, 0x30, true), (CapabilitySets{0xf0, 0xf0, 0xf0, 0x30}));
}

TEST(ThePayloadsCapabilities, AreTheAmbientOnesForAnotherUser) {
    EXPECT_EQ(payload_capabilities(0xf0, 0x30, false), (CapabilitySets{0, 0x30, 0x30, 0x30}));
}

TEST(ThePayloadsCapabilities, NeverExceedTheRetainedOnes) {
    EXPECT_EQ(payload_capabilities(0xf0, 0xff, true).ambient, 0xf0U);
    EXPECT_EQ(payload_capabilities(0xf0, 0x0f, false), CapabilitySets{});
}

TEST_F(Capabilities, OfTheBoundingSetAreDroppedForEver) {
    constexpr std::uint64_t retained = bit(CAP_CHOWN) | bit(CAP_KILL) | bit(CAP_NET_RAW);

    EXPECT_EQ(failure_in_child([] {
                  limit_bounding_capabilities(retained);
                  require(from_status("CapBnd") == retained, "the bounding set differs");
                  require(current_bounding_capabilities() == retained, "the bounding set that is read differs");
              }),
              "");
}

TEST_F(Capabilities, AreExactlyThoseAskedFor) {
    EXPECT_EQ(failure_in_child([] {
                  const auto wanted = payload_capabilities(bit(CAP_CHOWN) | bit(CAP_KILL), bit(CAP_KILL), true);
                  limit_bounding_capabilities(wanted.permitted);
                  require(set_capabilities(wanted) == 0, "a capability is missing");
                  require_sets(wanted);
              }),
              "");
}

TEST_F(Capabilities, SurviveTheChangeOfTheUserWhenKept) {
    EXPECT_EQ(failure_in_child([] {
                  const auto wanted = payload_capabilities(bit(CAP_KILL), bit(CAP_KILL), false);
                  limit_bounding_capabilities(bit(CAP_KILL));
                  keep_capabilities_over_user_change();
                  require(::setresuid(65534, 65534, 65534) == 0, "the user did not change");
                  require(set_capabilities(wanted) == 0, "a capability is missing");
                  require(from_status("CapPrm") == bit(CAP_KILL), "the permitted set differs");
                  require(from_status("CapAmb") == bit(CAP_KILL), "the ambient set differs");
              }),
              "");
}

TEST_F(Capabilities, ThatAreNotHeldAreReportedAndLeftOut) {
    EXPECT_EQ(failure_in_child([] {
                  const std::uint64_t held = bit(CAP_CHOWN) | bit(CAP_SETPCAP);
                  set_capabilities({held, held, 0, 0});
                  const std::uint64_t wanted = held | bit(CAP_SYS_TIME);
                  require(set_capabilities({wanted, wanted, wanted, 0}) == bit(CAP_SYS_TIME), "nothing was reported");
                  require_sets({held, held, held, 0});
              }),
              "");
}

TEST_F(Capabilities, BehindARefusalOfNewPrivilegesStayAway) {
    EXPECT_EQ(failure_in_child([] {
                  set_no_new_privileges();
                  require(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "new privileges are not refused");
              }),
              "");
}

} // namespace
} // namespace machinist
