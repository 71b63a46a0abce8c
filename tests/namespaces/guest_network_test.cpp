// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines whose own software asks for addresses and names: systemd-networkd, ifupdown with dhclient, busybox. What
// they were given before their init ran is taken away first, where they would not see the difference.
#include "namespaces/debian.hpp"
#include "namespaces/host_without_networkd.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

namespace {

class AGuestsOwnClient : public AHostWithoutNetworkd {
protected:
    static bool becomes_true(const Debian& machine, const std::string& command) {
        return eventually([&] { return machine.sh(command).status == 0; }, 90s);
    }
    static std::string addresses(const Debian& machine, const std::string& family) {
        return machine.sh("ip " + family + " -o addr show dev host0 scope global").output;
    }
};

} // namespace

TEST_F(AGuestsOwnClient, NetworkdAsItComesLeasesItsAddressTakesThePrefixAndLearnsNames) {
    if (!Debian::has_tree("trixie"))
        GTEST_SKIP() << "there is no tree 'trixie'; tests/run makes it";
    Debian machine{"trixie", {"--network-zone=lan"}};
    ASSERT_EQ(machine
                  .sh("rm /run/systemd/network/10-machinist.network && ip addr flush dev host0 scope global && "
                      "systemctl start systemd-networkd")
                  .status,
              0);

    ASSERT_TRUE(becomes_true(machine, "ip -4 -o addr show dev host0 dynamic | grep -q inet"))
        << machine.sh("networkctl status host0; journalctl -u systemd-networkd").output;
    EXPECT_THAT(addresses(machine, "-4"), HasSubstr(" " + first_offer("lan") + "/"));
    EXPECT_TRUE(becomes_true(machine, "ip -6 -o addr show dev host0 scope global | grep -q 'inet6 fd'"));
    const std::string status = machine.sh("networkctl status host0").output;
    EXPECT_THAT(status, AllOf(HasSubstr("80-container-host0.network"), HasSubstr("DHCPv4"), HasSubstr("DNS:")));
    EXPECT_TRUE(becomes_true(machine, "ping -c1 -W1 192.0.2.2 && ping -6 -c1 -W1 2001:db8::2"));
    EXPECT_TRUE(becomes_true(machine, "getent ahostsv4 " + machine.name() + ".machinist"));
}

TEST_F(AGuestsOwnClient, NetworkdKeepsWhatItWasToldAndTakesThePrefix) {
    if (!Debian::has_tree("trixie"))
        GTEST_SKIP() << "there is no tree 'trixie'; tests/run makes it";
    Debian machine{"trixie", {"--network-zone=lan"}};
    const std::string before = addresses(machine, "-4");

    ASSERT_EQ(machine.sh("systemctl start systemd-networkd").status, 0);

    EXPECT_TRUE(becomes_true(machine, "ip -6 -o addr show dev host0 scope global | grep -q 'inet6 fd'"));
    EXPECT_TRUE(becomes_true(machine, "networkctl status host0 | grep -q 10-machinist.network"));
    EXPECT_EQ(addresses(machine, "-4"), before);
    EXPECT_TRUE(becomes_true(machine, "ping -c1 -W1 192.0.2.2"));
}

TEST_F(AGuestsOwnClient, IfupdownLeasesItsAddressAndLearnsNames) {
    if (!Debian::has_tree("ifupdown"))
        GTEST_SKIP() << "there is no tree 'ifupdown'; tests/run makes it";
    Debian machine{"ifupdown", {"--network-zone=lan"}};

    ASSERT_TRUE(becomes_true(machine, "grep -q fixed-address /var/lib/dhcp/dhclient.host0.leases"))
        << machine.sh("ifquery --state; ifup -v host0; ps ax").output << machine.console();
    EXPECT_TRUE(becomes_true(machine, "ifquery --state host0"));
    EXPECT_THAT(addresses(machine, "-4"), HasSubstr(" " + first_offer("lan") + "/"));
    EXPECT_THAT(machine.sh("cat /etc/resolv.conf").output, HasSubstr("nameserver "));
    EXPECT_TRUE(becomes_true(machine, "ip -6 -o addr show dev host0 scope global | grep -q 'inet6 fd'"));
    EXPECT_TRUE(becomes_true(machine, "ping -c1 -W1 192.0.2.2 && getent ahostsv4 " + machine.name() + ".machinist"));
}

TEST_F(AGuestsOwnClient, BusyboxIsOfferedAddressRouterAndNames) {
    if (!Debian::has_tree("busybox"))
        GTEST_SKIP() << "there is no tree 'busybox'; tests/run makes it";
    Debian machine{"busybox", {"--network-zone=lan"}};
    ASSERT_TRUE(becomes_true(machine, "ip addr show dev host0 | grep -q 'inet '"));

    const Outcome lease = machine.sh("printf '#!/bin/sh\necho event=$1 ip=$ip router=$router dns=$dns\n' >/tmp/told && "
                                     "chmod +x /tmp/told && udhcpc -f -q -n -i host0 -s /tmp/told",
                                     90s);

    EXPECT_THAT(lease.output, ContainsRegex("event=bound ip=" + first_offer("lan") + " router=[0-9.]+ dns=[0-9.]+\n"))
        << lease.errors;
    EXPECT_TRUE(becomes_true(machine, "ping -c1 -W1 192.0.2.2"));
}

TEST_F(AGuestsOwnClient, IsNotNeeded) {
    if (!Debian::has_tree("busybox"))
        GTEST_SKIP() << "there is no tree 'busybox'; tests/run makes it";
    Debian machine{"busybox", {"--network-veth"}};

    EXPECT_THAT(machine.sh("ip addr show dev host0").output, HasSubstr("inet "));
    EXPECT_TRUE(becomes_true(machine, "nslookup " + machine.name() + ".machinist"))
        << machine.sh("cat /etc/resolv.conf").output;
    EXPECT_TRUE(becomes_true(machine, "ping -c1 -W1 192.0.2.2"));
}

} // namespace machinist::test
