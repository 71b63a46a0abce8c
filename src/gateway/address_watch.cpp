// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/address_watch.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <tuple>

namespace machinist {

namespace {

// More than that nobody has ports for; a machine may have as many as it likes.
constexpr std::size_t most_addresses = 64;

UniqueFd listen_for_changes() {
    UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        throw system_failure("listen for the machine's addresses");
    return socket;
}

std::optional<IpAddress> address_of(const NetlinkMessage& message) {
    std::optional<IpAddress> found;
    for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<ifaddrmsg>()))
        // The local end of a point-to-point link is the machine's; other links have only IFA_ADDRESS for IPv6.
        if (attribute.type == IFA_LOCAL || (attribute.type == IFA_ADDRESS && !found))
            found = IpAddress::from_bytes(
                std::span{reinterpret_cast<const std::uint8_t*>(attribute.bytes.data()), attribute.bytes.size()});
    return found;
}

} // namespace

AddressWatch::AddressWatch(const Pidfd& leader) {
    const UniqueFd own = open_path("/proc/self/ns/net", O_RDONLY);
    if (::setns(leader.descriptor().get(), CLONE_NEWNET) < 0)
        throw system_failure("look at the machine's network");
    // Staying there would have us change the machine's network for the host's.
    const ScopeExit back{[&] {
        if (::setns(own.get(), CLONE_NEWNET) < 0)
            std::terminate();
    }};
    changes_ = listen_for_changes();
    questions_.emplace(NETLINK_ROUTE);
}

void AddressWatch::forget_changes() {
    char buffer[8192];
    for (int count = 0; count < 256 && ::recv(changes_.get(), buffer, sizeof buffer, 0) > 0; ++count)
        continue;
}

std::vector<IpAddress> AddressWatch::read() {
    using Found = std::tuple<bool, unsigned, IpAddress>;
    std::vector<Found> found;
    const ifaddrmsg all{};
    (void)questions_->look(
        NetlinkRequest{RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, all}, [&](const NetlinkMessage& message) {
            const auto head = message.head<ifaddrmsg>();
            const auto address = head && message.type == RTM_NEWADDR && head->ifa_scope == RT_SCOPE_UNIVERSE &&
                                         (head->ifa_flags & (IFA_F_DEPRECATED | IFA_F_DADFAILED)) == 0
                                     ? address_of(message)
                                     : std::nullopt;
            if (address && !address->is_link_local() && !address->is_unspecified())
                found.emplace_back(address->is_ipv6(), head->ifa_index, *address);
            return found.size() < most_addresses;
        });
    std::ranges::stable_sort(found, {}, [](const Found& one) { return std::pair{std::get<0>(one), std::get<1>(one)}; });
    std::vector<IpAddress> addresses;
    for (const Found& one : found)
        addresses.push_back(std::get<2>(one));
    return addresses;
}

} // namespace machinist
