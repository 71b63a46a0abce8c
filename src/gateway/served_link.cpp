// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/served_link.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "gateway/host_network.hpp"
#include "kernel/files.hpp"
#include "kernel/netlink.hpp"

#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <span>

namespace machinist {

namespace {

std::string host_id() {
    return std::string{trimmed(read_file_if_exists("/etc/machine-id").value_or(""))};
}

std::vector<IpPrefix> addresses_on(const std::string& link) {
    std::vector<IpPrefix> found;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) < 0)
        throw system_failure("list the host's addresses");
    const auto bytes_of = [](const sockaddr* address) -> std::span<const std::uint8_t> {
        if (address->sa_family == AF_INET)
            return {reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr), 4};
        return {reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr), 16};
    };
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        const int family = one->ifa_addr != nullptr ? one->ifa_addr->sa_family : AF_UNSPEC;
        if (link != one->ifa_name || one->ifa_netmask == nullptr || (family != AF_INET && family != AF_INET6))
            continue;
        unsigned length = 0;
        for (const std::uint8_t byte : bytes_of(one->ifa_netmask))
            length += static_cast<unsigned>(__builtin_popcount(byte));
        if (const auto address = IpAddress::from_bytes(bytes_of(one->ifa_addr)))
            found.push_back({*address, length});
    }
    ::freeifaddrs(all);
    return found;
}

void add_address(NetlinkSocket& routes, unsigned link, const std::string& name, const IpPrefix& prefix) {
    ifaddrmsg head{};
    head.ifa_family = static_cast<std::uint8_t>(prefix.address.family());
    head.ifa_prefixlen = static_cast<std::uint8_t>(prefix.length);
    // Nobody else can have it, and a bridge without machines would wait for an answer for ever.
    head.ifa_flags = IFA_F_NODAD;
    head.ifa_index = link;
    NetlinkRequest request{RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, head};
    request.add(IFA_LOCAL, prefix.address.bytes()).add(IFA_ADDRESS, prefix.address.bytes());
    routes.carry_out(std::move(request), "give " + prefix.text() + " to " + name);
}

void bring_up(NetlinkSocket& routes, unsigned link, const std::string& name) {
    ifinfomsg head{};
    head.ifi_index = static_cast<int>(link);
    head.ifi_flags = IFF_UP;
    head.ifi_change = IFF_UP;
    routes.carry_out(NetlinkRequest{RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, head}, "bring " + name + " up");
}

} // namespace

ServedLink::ServedLink(EventLoop& loop, std::string name, const std::filesystem::path& directory,
                       const std::vector<IpPrefix>& wanted, const std::vector<IpPrefix>& others)
    : loop_(loop), name_(std::move(name)), device_(name_), directory_(directory / "links" / name_) {
    std::vector<IpPrefix> taken = others;
    for (const HostRoute& route : read_routes())
        if (route.link != name_ && route.destination.length != 0)
            taken.push_back(route.destination);
    std::vector<IpPrefix> present = addresses_on(name_);
    present.insert(present.end(), wanted.begin(), wanted.end());
    subnets_ = choose_zone_subnets(name_, host_id(), name_.starts_with("vz-") ? zone_length_v4 : single_length_v4,
                                   taken, present);
}

void ServedLink::set_device(const std::string& device) {
    if (device == device_)
        return;
    device_ = device;
    index_ = 0;
    name_server_.reset();
}

void ServedLink::serve(const std::vector<ServedMachine>& machines) {
    const unsigned index = ::if_nametoindex(device_.c_str());
    if (index == 0)
        throw system_failure("find the link '" + device_ + "'");
    if (index != index_) {
        NetlinkSocket routes{NETLINK_ROUTE};
        (void)write_switch("net/ipv6/conf/" + device_ + "/accept_ra", "0");
        add_address(routes, index, device_, subnets_.v4);
        if (read_switch("net/ipv6/conf/" + device_ + "/disable_ipv6") == "0")
            add_address(routes, index, device_, subnets_.v6);
        bring_up(routes, index, device_);
        index_ = index;
    }
    if (!name_server_)
        name_server_ = std::make_unique<NameServer>(
            loop_, ServedZone{.bridge = device_, .v4 = subnets_.v4, .v6 = subnets_.v6, .directory = directory_});
    name_server_->tell(machines);
}

} // namespace machinist
