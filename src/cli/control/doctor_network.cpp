// SPDX-License-Identifier: LGPL-2.1-or-later
// doctor net NAME: finds out what the way of a machine's packets is made of, and says where it ends.
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "base/text.hpp"
#include "cli/control/network_path.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"
#include "gateway/gateway_facts.hpp"
#include "gateway/route_text.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "kernel/separate_process.hpp"
#include "network/gateway_client.hpp"
#include "network/link_management.hpp"
#include "registry/machine_facts.hpp"
#include "registry/machine_ports.hpp"
#include "registry/machine_root.hpp"
#include "spec/network_plan.hpp"
#include "spec/port_forward.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

namespace machinist {

namespace {

// What a machine may take over one look at its files.
constexpr std::chrono::seconds patience{2};

std::string text_of_file(const std::string& path) {
    try {
        return read_file_if_exists(path).value_or("");
    } catch (const Failure&) {
        return {}; // the process has ended
    }
}

bool is_default(const HostRoute& route) {
    return route.destination.length == 0;
}

void look_into_machine(NetworkPathFacts& facts, const Machine& machine) {
    for (const std::string& address : read_machine_facts(machine, {.os_release = false, .addresses = true}).addresses) {
        const auto parsed = IpAddress::parse(address);
        if (parsed && !parsed->is_link_local())
            facts.addresses.push_back(address);
    }
    const std::string net = "/proc/" + std::to_string(machine.leader.pid()) + "/net/";
    facts.has_default_route = std::ranges::any_of(parse_routes_v4(text_of_file(net + "route")), is_default) ||
                              std::ranges::any_of(parse_routes_v6(text_of_file(net + "ipv6_route")), is_default);
    const auto resolv_conf = find_out_apart(
        [&] { return read_untrusted(open_machine_root(machine), "etc/resolv.conf").value_or(""); }, patience);
    const std::string lines = resolv_conf.value_or("");
    for (const std::string_view line : split_words(lines, "\n")) {
        const auto words = split_words(line);
        if (words.size() >= 2 && words[0] == "nameserver")
            facts.name_servers.push_back(escaped_for_people(words[1]));
    }
}

void look_at_host_link(NetworkPathFacts& facts) {
    facts.host_link_is_there = ::if_nametoindex(facts.host_link.c_str()) != 0;
    facts.host_link_is_up = false;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) < 0)
        throw system_failure("list the host's addresses");
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        if (facts.host_link != one->ifa_name)
            continue;
        facts.host_link_is_up = facts.host_link_is_up || (one->ifa_flags & IFF_UP) != 0;
        char text[INET6_ADDRSTRLEN];
        const int family = one->ifa_addr != nullptr ? one->ifa_addr->sa_family : AF_UNSPEC;
        if (family == AF_INET &&
            ::inet_ntop(family, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text))
            facts.host_addresses.emplace_back(text);
    }
    ::freeifaddrs(all);
}

void look_at_gateway(NetworkPathFacts& facts, const Machine& machine) {
    const auto gateway = gateway_directory();
    const GatewayFacts kept = parse_gateway_facts(text_of_file((gateway / "facts.json").string()));
    const bool is_needed = needs_gateway(machine.spec->network, machine.spec->name);
    facts.gateway_answers = !is_needed || GatewayClient::connect().has_value();
    if (is_needed)
        facts.rules_problem = kept.problem;
    for (const GatewayFacts::Link& link : kept.links)
        if (link.name == facts.host_link) {
            facts.we_see_to_it = true;
            facts.name_server_problem = link.problem;
        }
}

void look_at_rules(NetworkPathFacts& facts) {
    const std::string program = own_program("machinist-gateway").string();
    if (::geteuid() == 0 && ::access(program.c_str(), X_OK) == 0) {
        const ProgramResult found = run_program({program, "--dropping-chains", facts.host_link});
        for (const std::string_view line : split_words(found.output, "\n")) {
            const auto words = split_words(line);
            if (words.size() == 5)
                facts.dropping.push_back({.family = std::string{words[0]},
                                          .table = std::string{words[1]},
                                          .chain = std::string{words[2]},
                                          .hook = std::string{words[3]},
                                          .accepts_link = words[4] == "accepts"});
        }
    }
    facts.has_legacy_tables = text_of_file("/proc/self/net/ip_tables_names").find("filter") != std::string::npos;
    facts.forwards_v4 = trimmed(text_of_file("/proc/sys/net/ipv4/ip_forward")) == "1";
    for (const HostRoute& route : parse_routes_v4(text_of_file("/proc/self/net/route")))
        if (is_default(route) && facts.uplink.empty())
            facts.uplink = route.link;
}

NetworkPathFacts find_out(const Machine& machine) {
    NetworkPathFacts facts;
    facts.machine = machine.name();
    if (!machine.spec)
        throw Failure{FailureKind::not_supported, "machine '" + machine.name() + "' is kept by another manager"};
    const NetworkSpec& network = machine.spec->network;
    const NetworkPlan plan = plan_network(network, machine.spec->name);
    facts.is_private = network.is_private || network.namespace_path;
    facts.main_link = plan.main_link;
    for (const PlannedLink& link : plan.links)
        if (link.machine_name == plan.main_link)
            facts.host_link = link.bridge.empty() ? link.host_name : link.bridge;
    for (const PortForward& port : ports_of(machine))
        facts.ports.push_back(describe(port));
    if (facts.host_link.empty())
        return facts;
    facts.networkd_sees_to_it = networkd_sees_to(facts.host_link);
    look_into_machine(facts, machine);
    look_at_host_link(facts);
    look_at_gateway(facts, machine);
    look_at_rules(facts);
    return facts;
}

} // namespace

int show_network_path(const Invocation& call, const MachineStore& machines) {
    if (call.words[0] != "net")
        throw Failure{FailureKind::usage, "'doctor' does not know '" + call.words[0] + "'"}.try_instead(
            "'machinist doctor net NAME'");
    if (call.words.size() != 2)
        throw Failure{FailureKind::usage, "'doctor net' needs a name"};
    const std::vector<Hop> hops = judge_network_path(find_out(machines.get(call.words[1])));
    Table table{{"HOP", "STATE", "WHAT", "REMEDY"}};
    for (const Hop& hop : hops)
        table.add({hop.name, std::string{name_of(hop_state_names, hop.state)}, hop.what,
                   hop.remedy.empty() ? Cell{} : Cell{hop.remedy}});
    table.print(call, "hops");
    return std::ranges::any_of(hops, [](const Hop& hop) { return hop.state == HopState::drops; }) ? 1 : 0;
}

} // namespace machinist
