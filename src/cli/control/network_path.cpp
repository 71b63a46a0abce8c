// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/network_path.hpp"

#include "base/ip_address.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace machinist {

namespace {

Hop passes(std::string name, std::string what) {
    return {std::move(name), HopState::passes, std::move(what), ""};
}

Hop drops(std::string name, std::string what, std::string remedy) {
    return {std::move(name), HopState::drops, std::move(what), std::move(remedy)};
}

Hop judge_machine_link(const NetworkPathFacts& facts) {
    if (!facts.is_private)
        return passes("link", "it uses the host's network");
    if (facts.main_link.empty())
        return drops("link", "the machine has no link to the host",
                     "--network-veth or --network-zone=ZONE at its start");
    if (!facts.host_link_is_there)
        return drops("link", "the host's link '" + facts.host_link + "' is gone", "to start the machine again");
    if (!facts.host_link_is_up)
        return drops("link", "the host's link '" + facts.host_link + "' is down",
                     "'ip link set " + facts.host_link + " up'");
    return passes("link", facts.main_link + " in the machine, " + facts.host_link + " on the host");
}

Hop judge_address(const NetworkPathFacts& facts) {
    if (!facts.addresses.empty())
        return passes("address", joined(facts.addresses, " "));
    const std::string remedy = facts.we_see_to_it || facts.networkd_sees_to_it
                                   ? "a DHCP client in the machine, or Address= in its settings"
                                   : "Address= in its settings, or a DHCP server on '" + facts.host_link + "'";
    return drops("address", "the machine has no address", remedy);
}

Hop judge_route(const NetworkPathFacts& facts) {
    if (facts.has_default_route)
        return passes("route", "the machine has a default route");
    return drops("route", "the machine knows no way out of its own network",
                 "Gateway= in its settings, or a DHCP client in it");
}

Hop judge_host_side(const NetworkPathFacts& facts) {
    if (!facts.host_addresses.empty())
        return passes("host", facts.host_link + " has " + joined(facts.host_addresses, " "));
    if (facts.networkd_sees_to_it)
        return drops("host", "systemd-networkd has given no address to '" + facts.host_link + "'",
                     "'networkctl status " + facts.host_link + "'");
    return {"host", HopState::unclear, "'" + facts.host_link + "' has no address on the host: somebody else leads on",
            ""};
}

Hop judge_gateway(const NetworkPathFacts& facts) {
    if (!facts.gateway_answers)
        return drops("translation", "machinist-gateway does not run, although the machine needs it",
                     "'machinist port list " + facts.machine + "', which starts it");
    if (!facts.rules_problem.empty())
        return drops("translation", facts.rules_problem, "a kernel with nf_tables and nft_nat");
    if (facts.we_see_to_it)
        return passes("translation", "machinist translates its addresses behind " + facts.host_link);
    return {"translation", HopState::unclear, "left to whoever sees to '" + facts.host_link + "'", ""};
}

// Docker and firewalld say themselves what has to be done beside them.
std::string remedy_for(const ForeignChain& chain, const std::string& link) {
    if (chain.table.find("firewalld") != std::string::npos)
        return "'firewall-cmd --zone=trusted --add-interface=" + link + "'";
    if (chain.table == "filter" && chain.hook == "forward")
        return "'iptables -I " + chain.chain + " -i " + link + " -j ACCEPT' and the same with -o (with Docker: -I " +
               "DOCKER-USER)";
    return "a rule in it that accepts '" + link + "'";
}

void judge_foreign(std::vector<Hop>& hops, const NetworkPathFacts& facts) {
    const auto judge = [&](const std::string& hook, const std::string& name, const std::string& what) {
        bool is_free = true;
        for (const ForeignChain& chain : facts.dropping) {
            if (chain.hook != hook || chain.accepts_link)
                continue;
            is_free = false;
            hops.push_back(drops(
                name, "chain '" + chain.chain + "' of table '" + chain.family + " " + chain.table + "' drops " + what,
                remedy_for(chain, facts.host_link)));
        }
        if (is_free)
            hops.push_back(passes(name, "no chain of others drops " + what));
    };
    judge("forward", "firewall", "what is forwarded");
    judge("input", "services", "what comes to the host, DHCP and DNS for the machine among it");
    if (facts.has_legacy_tables)
        hops.push_back({"firewall", HopState::unclear, "there are rules of the old iptables as well",
                        "to look at 'iptables-legacy -S FORWARD'"});
}

Hop judge_forwarding(const NetworkPathFacts& facts) {
    if (facts.forwards_v4)
        return passes("forwarding", "the host forwards IPv4");
    return drops("forwarding", "the host does not forward IPv4", "'sysctl net.ipv4.ip_forward=1'");
}

Hop judge_uplink(const NetworkPathFacts& facts) {
    if (!facts.uplink.empty())
        return passes("uplink", "the host's default route leads over " + facts.uplink);
    return drops("uplink", "the host itself has no default route", "to connect the host");
}

Hop judge_names(const NetworkPathFacts& facts) {
    if (facts.we_see_to_it && !facts.name_server_problem.empty())
        return drops("names", "dnsmasq does not serve on " + facts.host_link + ": " + facts.name_server_problem,
                     "package dnsmasq-base, or to find who has port 53 or 67");
    if (facts.name_servers.empty())
        return drops("names", "the machine's /etc/resolv.conf names no server",
                     "DNS= in its settings, or systemd-resolved in it");
    return passes("names", "it asks " + joined(facts.name_servers, " "));
}

} // namespace

std::vector<Hop> judge_network_path(const NetworkPathFacts& facts) {
    std::vector<Hop> hops{judge_machine_link(facts)};
    if (!facts.is_private || facts.main_link.empty() || hops.back().state == HopState::drops)
        return hops;
    hops.push_back(judge_address(facts));
    hops.push_back(judge_route(facts));
    hops.push_back(judge_host_side(facts));
    hops.push_back(judge_forwarding(facts));
    judge_foreign(hops, facts);
    hops.push_back(judge_gateway(facts));
    hops.push_back(judge_uplink(facts));
    hops.push_back(judge_names(facts));
    if (!facts.ports.empty() && facts.addresses.empty())
        hops.push_back(drops("ports", "ports lead nowhere while the machine has no address", "an address for it"));
    else if (!facts.ports.empty())
        hops.push_back(passes("ports", joined(facts.ports, " ")));
    return hops;
}

} // namespace machinist
