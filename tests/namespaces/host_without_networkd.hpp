// SPDX-License-Identifier: LGPL-2.1-or-later
// A host on which nobody else sees to networks of machines: a network namespace for it, another one for the world
// outside.
#pragma once

#include "namespaces/debian.hpp"
#include "namespaces/own_network.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace machinist::test {

inline Outcome sh(const std::string& command, milliseconds patience = 60s) {
    return run("/bin/sh", {"-c", command}, {.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}, patience);
}

class AHostWithoutNetworkd : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0 || !Debian::has_tree("bookworm"))
            GTEST_SKIP() << "needs root and Debian trees";
        if (::access("/usr/sbin/dnsmasq", X_OK) != 0 || ::access("/usr/sbin/nft", X_OK) != 0)
            GTEST_SKIP() << "needs dnsmasq-base and nftables";
        host.emplace();
        outside = std::make_unique<Program>("/usr/bin/unshare", std::vector<std::string>{"-n", "sleep", "infinity"});
        ASSERT_TRUE(eventually([&] { return network_of(outside->pid()) != network_of(::getpid()); }));
        const std::string there = std::to_string(outside->pid());
        ASSERT_EQ(sh("ip link set lo up && ip link add up0 type veth peer name out0 netns " + there +
                     " && ip addr add 192.0.2.1/24 dev up0 && ip addr add 2001:db8::1/64 dev up0 nodad && "
                     "ip link set up0 up && nsenter -t " +
                     there +
                     " -n sh -c 'ip link set lo up; ip addr add 192.0.2.2/24 dev out0; ip addr add 2001:db8::2/64 dev "
                     "out0 nodad; ip link set out0 up' && ip route add default via 192.0.2.2 && "
                     "ip -6 route add default via 2001:db8::2")
                      .status,
                  0);
    }
    void TearDown() override {
        if (!outside)
            return;
        EXPECT_TRUE(eventually([&] { return sh("nft list tables").output.empty(); }, 30s))
            << sh("nft list ruleset").output;
        EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(gateway_directory()); }, 30s))
            << sh("ls -R " + gateway_directory()).output;
        EXPECT_EQ(sh("cat /proc/sys/net/ipv4/ip_forward").output, "0\n");
        EXPECT_EQ(sh("cat /proc/sys/net/ipv6/conf/all/forwarding").output, "0\n");
        outside.reset();
        host.reset();
    }
    static std::string network_of(pid_t process) {
        return std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/ns/net").string();
    }
    static std::string gateway_directory() {
        struct stat status {};
        ::stat("/proc/self/ns/net", &status);
        return "/run/machinist-gateway/" + std::to_string(status.st_ino);
    }
    // The address that DHCP has for the machines of a zone, the first one's.
    static std::string first_offer(const std::string& zone) {
        const std::string list = sh("cat " + gateway_directory() + "/links/vz-" + zone + "/offers").output;
        const auto comma = list.find(',');
        return comma == std::string::npos ? "" : list.substr(comma + 1, list.find('\n') - comma - 1);
    }
    // What somebody says who is connected to, asked from the host or from outside.
    std::string heard_at(const std::string& address, int port, bool from_outside) const {
        const std::string client = "perl -e 'use IO::Socket::IP; my $s = IO::Socket::IP->new(PeerHost => \"" + address +
                                   "\", PeerPort => " + std::to_string(port) +
                                   ", Timeout => 3) or exit 1; print scalar <$s>'";
        return sh((from_outside ? "nsenter -t " + std::to_string(outside->pid()) + " -n " : "") + client).output;
    }
    bool is_heard(const std::string& word, const std::string& address, int port, bool from_outside) const {
        return eventually([&] { return heard_at(address, port, from_outside) == word; }, 30s);
    }

    std::optional<OwnNetwork> host;
    std::unique_ptr<Program> outside;
};

} // namespace machinist::test
