// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/gateway.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "gateway/gateway_facts.hpp"
#include "gateway/host_network.hpp"
#include "kernel/files.hpp"
#include "network/link_management.hpp"
#include "network/link_record.hpp"
#include "registry/run_directory_view.hpp"
#include "spec/network_plan.hpp"
#include "spec/port_forward.hpp"
#include "spec/run_directory.hpp"

#include <algorithm>

namespace machinist {

namespace {

// A machine that changes its addresses all the time is looked at now and then.
constexpr std::chrono::milliseconds pause_before_looking{20};
// What listens at ports of the host must not be shadowed by a typing error.
constexpr std::size_t most_ports = 65535;

std::filesystem::path run_directory_of(const std::string& key) {
    if (key.empty() || key.find('/') != std::string::npos || key.starts_with('.'))
        throw Failure{FailureKind::invalid, "look at a machine: '" + key + "' is no name of a run directory"};
    return run_directory::path(key);
}

// The main link is made first of all that have an end on the host.
std::string made_link(const std::string& key, const std::string& planned) {
    for (const RecordedLink& link :
         parse_link_record(read_file_if_exists(run_directory_of(key) / "network").value_or("")))
        if (link.kind == RecordedKind::link)
            return link.name;
    return planned;
}

std::size_t count_of(const std::vector<PortForward>& ports) {
    std::size_t count = 0;
    for (const PortForward& port : ports)
        count += port.count;
    return count;
}

// The most particular route decides.
bool leads_to(const std::string& link, const IpAddress& address, const std::vector<HostRoute>& routes) {
    const HostRoute* best = nullptr;
    for (const HostRoute& route : routes)
        if (route.destination.contains(address) &&
            (best == nullptr || route.destination.length > best->destination.length))
            best = &route;
    return best != nullptr && best->destination.length != 0 && best->link == link;
}

} // namespace

Gateway::Gateway(EventLoop& loop, std::filesystem::path directory, NftNames names, EventLoop::Handler idle)
    : loop_(loop),
      directory_(std::move(directory)),
      names_(std::move(names)),
      idle_(std::move(idle)),
      switches_(directory_ / "switches") {}

Gateway::~Gateway() = default;

void Gateway::adopt_machines() {
    for (const std::string& key : names_in(run_directory::root)) {
        if (key.starts_with('.'))
            continue;
        try {
            const auto view = RunDirectoryView::open(run_directory_of(key));
            const auto spec = view ? view->spec() : std::nullopt;
            const auto recorded = spec && needs_gateway(spec->network, spec->name) ? view->leader() : std::nullopt;
            auto leader = recorded ? hold_leader(*recorded) : std::nullopt;
            // Last, because the kernel takes its time to tell of locks.
            if (leader && view->is_kept())
                attach(key, *spec, std::move(*leader));
        } catch (const Failure& failure) {
            log_warning("cannot see to the network of '" + key + "': " + failure.what());
        }
    }
    update();
}

Reservation Gateway::reserve(const std::string& key, const std::string& machine, const std::string& link,
                             const std::string& mac) {
    (void)run_directory_of(key);
    const ServedLink& served = served_link(link, {});
    std::vector<IpAddress> taken;
    for (const auto& [other, attached] : machines_)
        if (attached.link == link && attached.offered)
            taken.push_back(*attached.offered);
    for (const auto& [other, reserved] : reserved_)
        if (reserved.link == link)
            taken.push_back(reserved.address);
    const IpPrefix& host = served.subnets().v4;
    const IpAddress address = choose_machine_address(host, machine, taken);
    reserved_.insert_or_assign(key, Reserved{link, mac, address});
    return {.addresses = {{address, host.length}}, .gateways = {host.address}, .name_servers = {host.address}};
}

void Gateway::release(const std::string& key) {
    if (reserved_.erase(key) == 0)
        return;
    drop_links_of_nobody();
    tell_if_idle();
}

ServedLink& Gateway::served_link(const std::string& name, const std::vector<IpPrefix>& wanted) {
    const auto known = links_.find(name);
    if (known != links_.end())
        return known->second;
    std::vector<IpPrefix> others;
    for (const auto& [other, link] : links_) {
        others.push_back(link.subnets().v4);
        others.push_back(link.subnets().v6);
    }
    return links_.try_emplace(name, loop_, name, directory_, wanted, others).first->second;
}

void Gateway::attach(const std::string& key) {
    const auto view = RunDirectoryView::open(run_directory_of(key));
    const auto spec = view ? view->spec() : std::nullopt;
    const auto recorded = view ? view->leader() : std::nullopt;
    auto leader = recorded ? hold_leader(*recorded) : std::nullopt;
    if (!spec || !leader)
        throw Failure{FailureKind::no_machine, "see to the network of '" + key + "': no such machine runs"};
    machines_.erase(key);
    try {
        attach(key, *spec, std::move(*leader));
        // Without ports nobody is told of what fails, and a machine is of use nevertheless.
        if (machine_of(key).ports.empty()) {
            update_later_ = loop_.soon([this] { update(); });
            return;
        }
        update();
    } catch (const Failure&) {
        forget(key);
        throw;
    }
    if (!problem_.empty()) {
        const std::string problem = problem_;
        forget(key);
        throw Failure{FailureKind::not_supported, problem};
    }
}

Gateway::Attached Gateway::attached_of(const std::string& key, const MachineSpec& spec, Pidfd leader) const {
    const NetworkPlan plan = plan_network(spec.network, spec.name);
    Attached machine;
    machine.name = spec.name.text();
    machine.leader = std::move(leader);
    for (const PlannedLink& link : plan.links)
        if (link.machine_name == plan.main_link) {
            machine.link = link.bridge.empty() ? link.host_name : link.bridge;
            machine.device =
                link.bridge.empty() && link.kind == LinkKind::veth ? made_link(key, machine.link) : machine.link;
            machine.mac = link.machine_mac ? link.machine_mac->text() : "";
        }
    machine.served = !served_link_of(spec.network, spec.name).empty();
    const auto reserved = reserved_.find(key);
    if (reserved != reserved_.end())
        machine.offered = reserved->second.address;
    const auto ports = read_file_if_exists(run_directory_of(key) / "ports");
    machine.ports = ports ? parse_port_lines(*ports) : spec.network.ports;
    return machine;
}

void Gateway::attach(const std::string& key, const MachineSpec& spec, Pidfd leader) {
    Attached machine = attached_of(key, spec, std::move(leader));
    refuse_taken_ports(machine.ports, key);
    if (machine.served) {
        std::vector<IpPrefix> wanted;
        for (const IpPrefix& address : spec.network.addresses)
            for (const IpAddress& gateway : spec.network.gateways)
                if (address.contains(gateway))
                    wanted.push_back({gateway, address.length});
        ServedLink& link = served_link(machine.link, wanted);
        link.set_device(machine.device);
        const ZoneSubnets& subnets = link.subnets();
        for (const IpPrefix& address : spec.network.addresses)
            if (!machine.offered && subnets.v4.contains(address.address))
                machine.offered = address.address;
    }
    reserved_.erase(key);
    machines_.insert_or_assign(key, std::move(machine));
    watch(key);
}

void Gateway::watch(const std::string& key) {
    Attached& machine = machines_.at(key);
    machine.end = loop_.when_ended(machine.leader.descriptor(), [this, key] { forget(key); });
    machine.watch.emplace(machine.leader);
    machine.change = loop_.when_readable(machine.watch->changes(), [this, key] {
        Attached& changed = machines_.at(key);
        changed.watch->forget_changes();
        if (!changed.later)
            changed.later = loop_.after(pause_before_looking, [this, key] {
                machines_.at(key).later = {};
                look_at_addresses(key);
                update();
            });
    });
    look_at_addresses(key);
}

void Gateway::look_at_addresses(const std::string& key) {
    Attached& machine = machines_.at(key);
    const auto link = links_.find(machine.link);
    std::vector<HostRoute> routes;
    if (link == links_.end())
        routes = read_routes();
    machine.found.clear();
    // A machine may give itself any address: what is elsewhere is not its own.
    for (const IpAddress& address : machine.watch->read()) {
        const bool is_reached = link != links_.end() ? link->second.subnets().v4.contains(address) ||
                                                           link->second.subnets().v6.contains(address)
                                                     : leads_to(machine.device, address, routes);
        if (is_reached)
            machine.found.push_back(address);
    }
    // The one that it was given comes before what it took.
    if (machine.offered)
        std::ranges::stable_partition(machine.found, [&](const IpAddress& one) { return one == *machine.offered; });
}

void Gateway::forget(const std::string& key) {
    reserved_.erase(key);
    machines_.erase(key);
    drop_links_of_nobody();
    update();
    tell_if_idle();
}

void Gateway::drop_links_of_nobody() {
    std::erase_if(links_, [&](const auto& link) {
        return std::ranges::none_of(machines_,
                                    [&](const auto& machine) { return machine.second.link == link.first; }) &&
               std::ranges::none_of(reserved_, [&](const auto& one) { return one.second.link == link.first; });
    });
}

Gateway::Attached& Gateway::machine_of(const std::string& key) {
    const auto machine = machines_.find(key);
    if (machine == machines_.end())
        throw Failure{FailureKind::no_machine, "no machine '" + key + "' is attached"};
    return machine->second;
}

void Gateway::refuse_taken_ports(const std::vector<PortForward>& ports, const std::string& key) const {
    for (const PortForward& port : ports)
        for (const auto& [other, machine] : machines_)
            if (other != key && share_a_port_of_the_host(port, machine.ports))
                throw Failure{FailureKind::already_exists, "forward " + describe(port) + ": machine '" + machine.name +
                                                               "' has such a port of the host already"}
                    .try_instead("another port of the host");
}

void Gateway::add_port(const std::string& key, const PortForward& port) {
    if (!machines_.contains(key))
        attach(key);
    Attached& machine = machine_of(key);
    if (share_a_port_of_the_host(port, machine.ports))
        throw Failure{FailureKind::already_exists,
                      "forward " + describe(port) + ": such a port of the host leads there already"};
    refuse_taken_ports({port}, key);
    if (count_of(machine.ports) + port.count > most_ports)
        throw Failure{FailureKind::too_many, "forward " + describe(port) + ": too many ports lead there already"};
    const std::vector<PortForward> before = machine.ports;
    machine.ports.push_back(port);
    update();
    if (!problem_.empty()) {
        machine.ports = before;
        const std::string problem = problem_;
        update();
        throw Failure{FailureKind::not_supported, problem};
    }
    write_atomically(run_directory_of(key) / "ports", port_lines(machine.ports), 0600);
}

void Gateway::remove_port(const std::string& key, const PortForward& port) {
    const auto known = machines_.find(key);
    if (known == machines_.end() || std::erase(known->second.ports, port) == 0)
        throw Failure{FailureKind::not_found, "forward " + describe(port) + " no more: it is not forwarded"};
    write_atomically(run_directory_of(key) / "ports", port_lines(known->second.ports), 0600);
    update();
    // It may have needed us for that port alone.
    if (known->second.ports.empty() && !known->second.served)
        forget(key);
}

ForwardingState Gateway::state() const {
    ForwardingState state;
    for (const auto& [name, link] : links_)
        state.zones.push_back({.bridge = link.device(), .v4 = link.subnets().v4, .v6 = link.subnets().v6});
    for (const auto& [key, machine] : machines_) {
        if (machine.ports.empty())
            continue;
        ForwardedMachine forwarded{.link = machine.device, .ports = machine.ports, .v4 = {}, .v6 = {}};
        for (const IpAddress& address : machine.found) {
            auto& place = address.is_ipv6() ? forwarded.v6 : forwarded.v4;
            if (!place)
                place = address;
        }
        state.machines.push_back(std::move(forwarded));
    }
    return state;
}

void Gateway::tell_name_servers() {
    for (auto& [name, link] : links_) {
        std::vector<ServedMachine> machines;
        bool is_used = false;
        // Names are those of all zones: between them the host forwards.
        for (const auto& [key, machine] : machines_) {
            is_used = is_used || machine.link == name;
            if (machine.served)
                machines.push_back({.name = machine.name,
                                    .mac = machine.link == name ? machine.mac : "",
                                    .address = machine.offered,
                                    .found = machine.found});
        }
        if (is_used)
            serve(link, machines);
    }
}

void Gateway::serve(ServedLink& link, const std::vector<ServedMachine>& machines) {
    try {
        link.serve(machines);
    } catch (const Failure& failure) {
        log_warning(std::string{"cannot serve on a link: "} + failure.what());
    }
}

void Gateway::update() {
    update_later_ = {};
    tell_name_servers();
    apply(state());
    write_facts();
}

void Gateway::apply(const ForwardingState& state) {
    const std::string ruleset = nft_ruleset(state, names_);
    if (ruleset == applied_)
        return;
    const bool is_needed = !state.zones.empty() || !state.machines.empty();
    try {
        if (is_needed)
            switches_.turn_on();
        nft_.apply(ruleset);
        for (const std::string& link : state.loopback_links())
            accept_loopback_addresses(link);
        applied_ = ruleset;
        problem_.clear();
        if (!is_needed)
            switches_.turn_back(others_translate_addresses(nft_.list_ruleset(), names_.table));
    } catch (const Failure& failure) {
        problem_ = failure.what();
        log_warning(problem_);
    }
}

void Gateway::write_facts() const {
    GatewayFacts facts;
    facts.table = names_.table;
    facts.problem = problem_;
    for (const auto& [name, link] : links_)
        facts.links.push_back({.name = link.device(),
                               .v4 = link.subnets().v4.text(),
                               .v6 = link.subnets().v6.text(),
                               .name_server = link.name_server() != nullptr ? link.name_server()->process() : 0,
                               .problem = link.name_server() != nullptr ? link.name_server()->problem() : ""});
    for (const auto& [key, machine] : machines_) {
        GatewayFacts::Machine one{.key = key, .name = machine.name, .link = machine.device};
        for (const IpAddress& address : machine.found)
            one.addresses.push_back(address.text());
        for (const PortForward& port : machine.ports)
            one.ports.push_back(port_forward_text(port));
        facts.machines.push_back(std::move(one));
    }
    write_atomically(directory_ / "facts.json", gateway_facts_text(facts), 0644);
}

void Gateway::tell_if_idle() {
    if (is_idle())
        idle_();
}

} // namespace machinist
