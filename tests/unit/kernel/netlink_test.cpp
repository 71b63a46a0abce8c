// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/netlink.hpp"

#include "base/failure.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "kernel/links.hpp"
#include "kernel/loopback.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>

namespace machinist {

using ::testing::ElementsAre;

namespace {

// In a network of its own, with another one beside it.
class ANetwork : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        outside_ = open_path("/proc/self/ns/net", O_RDONLY);
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        other_ = open_path("/proc/self/ns/net", O_RDONLY);
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        socket_.emplace(NETLINK_ROUTE);
    }
    void TearDown() override {
        if (outside_) {
            EXPECT_EQ(::setns(outside_.get(), CLONE_NEWNET), 0);
        }
    }
    NetlinkSocket& here() {
        return *socket_;
    }
    NetlinkSocket there() {
        return {other_, NETLINK_ROUTE};
    }
    int make_veth(const std::string& name, const std::string& other_name, int master = 0) {
        NewLink end;
        end.name = name;
        end.index = draw_link_index();
        end.master = master;
        end.is_up = true;
        NewLink other;
        other.name = other_name;
        here().carry_out(veth_request(end, other, other_), "make a link");
        return end.index;
    }

    UniqueFd outside_;
    UniqueFd other_;
    std::optional<NetlinkSocket> socket_;
};

} // namespace

TEST(NetlinkAttributes, EndWhereTheyAreCutOff) {
    const std::string whole("\x06\x00\x01\x00hi\0\0\x05\x00\x02\x00x\0\0\0", 16);
    const auto attributes = netlink_attributes(whole);
    ASSERT_EQ(attributes.size(), 2U);
    EXPECT_EQ(attributes[0].text(), "hi");
    EXPECT_EQ(attributes[1].type, 2);
    EXPECT_EQ(attributes[1].number<std::uint32_t>(), std::uint32_t{'x'});
    for (std::size_t length = 0; length < whole.size() - 3; ++length)
        EXPECT_LT(netlink_attributes(std::string_view{whole}.substr(0, length)).size(), 2U) << length;
    EXPECT_TRUE(netlink_attributes(std::string_view{"\x00\x00\x01\x00", 4}).empty());
}

TEST_F(ANetwork, HasTheLinkThatWasMadeUnderItsIndex) {
    const int index = make_veth("a", "b");

    const auto link = find_link(here(), "a");

    ASSERT_TRUE(link);
    EXPECT_EQ(link->index, index);
    EXPECT_EQ(link->kind, "veth");
    EXPECT_TRUE(link->is_up);
    EXPECT_FALSE(find_link(here(), "b"));
    NetlinkSocket other = there();
    EXPECT_TRUE(find_link(other, "b"));
}

TEST_F(ANetwork, RefusesANameThatIsTaken) {
    make_veth("a", "b");
    NewLink end;
    end.name = "a";
    NewLink other;
    other.name = "c";

    EXPECT_EQ(here().try_one(veth_request(end, other, other_)).error_number, EEXIST);
}

TEST_F(ANetwork, FindsALinkByItsLongName) {
    const int index = make_veth("a", "b");
    const std::string whole = "a-name-that-is-longer-than-fifteen-characters";

    here().carry_out(alternative_name_request(index, whole), "name it");

    EXPECT_EQ(find_link(here(), whole)->name, "a");
    EXPECT_THAT(find_link(here(), index)->alternatives, ElementsAre(whole));
    EXPECT_FALSE(find_link(here(), whole + "r"));
}

TEST_F(ANetwork, KnowsTheBridgeThatALinkIsAt) {
    NewLink bridge;
    bridge.name = "br";
    here().carry_out(bridge_request(bridge), "make a bridge");
    const int index = link_named(here(), "br").index;
    EXPECT_FALSE(has_ports(here(), index));

    const int port = make_veth("a", "b", index);
    EXPECT_TRUE(has_ports(here(), index));

    here().carry_out(removal_request(port), "remove the port");
    EXPECT_FALSE(has_ports(here(), index));
    EXPECT_EQ(here().try_one(removal_request(port)).error_number, ENODEV);
}

TEST_F(ANetwork, GivesALinkAwayAndGetsItBackAsItWas) {
    make_veth("a", "b");
    const int index = link_named(here(), "a").index;
    const UniqueFd ours = open_path("/proc/self/ns/net", O_RDONLY);
    const int new_index = draw_link_index();

    here().carry_out(move_request(index, other_, "inner", new_index), "move it");
    NetlinkSocket other = there();
    EXPECT_FALSE(find_link(here(), "a"));
    EXPECT_EQ(find_link(other, "inner")->index, new_index);

    other.carry_out(move_request(new_index, ours, "a", index), "move it back");
    EXPECT_EQ(find_link(here(), "a")->index, index);
}

TEST_F(ANetwork, HasAddressesAndAWayOutOnceTheyAreSet) {
    const int index = make_veth("a", "b");
    bring_loopback_up();
    std::vector<NetlinkRequest> requests{address_request(index, *IpPrefix::parse("192.0.2.7/24")),
                                         address_request(index, *IpPrefix::parse("2001:db8::7/64")),
                                         gateway_request(index, *IpAddress::parse("203.0.113.1")),
                                         gateway_request(index, *IpAddress::parse("2001:db8::1"))};

    for (const NetlinkAnswer& answer : here().try_all(requests))
        EXPECT_TRUE(answer) << answer.remark << answer.error_number;

    EXPECT_THAT(read_addresses(), testing::IsSupersetOf({"192.0.2.7", "2001:db8::7"}));
    const std::string routes = read_file("/proc/thread-self/net/route");
    EXPECT_NE(routes.find("a\t00000000\t017100CB\t"), std::string::npos) << routes;
}

TEST_F(ANetwork, TellsWhatWasWrongAboutOneOfManyRequests) {
    const int index = make_veth("a", "b");
    std::vector<NetlinkRequest> requests{up_request(index), removal_request(draw_link_index()),
                                         rename_request(index, "c")};

    const auto answers = here().try_all(requests);

    EXPECT_TRUE(answers[0]);
    EXPECT_EQ(answers[1].error_number, ENODEV);
    EXPECT_TRUE(answers[2] || answers[2].error_number == EBUSY); // older kernels rename no link that is up
}

} // namespace machinist
