// SPDX-License-Identifier: LGPL-2.1-or-later
// A network namespace for a test and all that it starts, in the place of the host's: links can be made in it as the
// test likes.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/links.hpp"
#include "namespaces/program.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <optional>
#include <sched.h>
#include <string>
#include <sys/file.h>
#include <vector>

namespace machinist::test {

// Other programs of the suite share the run directories. A `gc` of theirs would undo what a test of this one wants to
// see left: no two of these at once.
class TheOnlyCollector {
public:
    TheOnlyCollector() {
        if (held++ > 0)
            return;
        lock = ::open("/tmp/machinist-tests.collector", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        while (::flock(lock, LOCK_EX) < 0 && errno == EINTR)
            continue;
    }
    TheOnlyCollector(const TheOnlyCollector&) = delete;
    TheOnlyCollector& operator=(const TheOnlyCollector&) = delete;
    ~TheOnlyCollector() {
        if (--held == 0)
            ::close(lock);
    }

private:
    inline static int held = 0;
    inline static int lock = -1;
};

class OwnNetwork {
public:
    OwnNetwork() : former_{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)} {
        EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
        socket_.emplace(NETLINK_ROUTE);
        made_ = names();
    }
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;
    ~OwnNetwork() {
        EXPECT_EQ(::setns(former_.get(), CLONE_NEWNET), 0);
    }

    std::optional<LinkFacts> find(const std::string& name) {
        return find_link(*socket_, name);
    }
    // A pair of links, both of the host's.
    void make_pair(const std::string& name, const std::string& other) {
        const UniqueFd here{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
        NewLink one;
        one.name = name;
        one.is_up = true;
        NewLink another;
        another.name = other;
        socket_->carry_out(veth_request(one, another, here), "make a pair of links");
        made_ = names();
    }
    void give_address(const std::string& link, const std::string& address) {
        socket_->carry_out(address_request(find(link)->index, IpPrefix::parse(address).value()), "give an address");
    }
    int make_bridge(const std::string& name) {
        NewLink bridge;
        bridge.name = name;
        bridge.is_up = true;
        socket_->carry_out(bridge_request(bridge), "make a bridge");
        made_ = names();
        return find(name)->index;
    }
    // Only links of the test are there; the kernel takes a moment to take a machine's network apart.
    bool is_as_before() {
        return eventually([&] { return names() == made_; }, 20s);
    }
    std::vector<std::string> names() {
        std::vector<std::string> found;
        (void)socket_->look({RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}}, [&](const NetlinkMessage& message) {
            for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<ifinfomsg>()))
                if (attribute.type == IFLA_IFNAME)
                    found.push_back(attribute.text());
            return true;
        });
        return found;
    }

private:
    TheOnlyCollector collector_;
    UniqueFd former_;
    std::optional<NetlinkSocket> socket_;
    std::vector<std::string> made_;
};

} // namespace machinist::test
