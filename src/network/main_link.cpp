// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/main_link.hpp"

#include "base/failure.hpp"
#include "kernel/links.hpp"

#include <algorithm>
#include <vector>

namespace machinist {

namespace {

void set_addresses(NetlinkSocket& inside, int index, const NetworkSpec& network) {
    std::vector<NetlinkRequest> requests;
    std::vector<std::string> doing;
    const auto add = [&](NetlinkRequest request, std::string what) {
        requests.push_back(std::move(request));
        doing.push_back(std::move(what));
    };
    // Up before: a route needs a link that is.
    add(up_request(index), "bring the machine's link up");
    for (const IpPrefix& address : network.addresses)
        add(address_request(index, address), "give the machine the address " + address.text());
    for (const IpAddress& gateway : network.gateways)
        add(gateway_request(index, gateway), "give the machine the gateway " + gateway.text());
    const std::vector<NetlinkAnswer> answers = inside.try_all(requests);
    for (std::size_t at = 0; at < answers.size(); ++at)
        if (!answers[at])
            throw netlink_failure(doing[at], answers[at]);
}

} // namespace

void finish_main_link(const NetworkSpec& network, const NetworkPlan& plan, BorrowedFd machine_network) {
    const auto has_alternative = [](const PlannedLink& link) { return !link.machine_alternative.empty(); };
    const bool has_addresses = !network.addresses.empty() && !plan.main_link.empty();
    if (!has_addresses && std::ranges::none_of(plan.links, has_alternative))
        return;
    NetlinkSocket inside{machine_network, NETLINK_ROUTE};
    for (const PlannedLink& link : plan.links)
        if (has_alternative(link))
            if (const auto found = find_link(inside, link.machine_name))
                (void)inside.try_one(alternative_name_request(found->index, link.machine_alternative));
    if (has_addresses)
        set_addresses(inside, link_named(inside, plan.main_link).index, network);
}

} // namespace machinist
