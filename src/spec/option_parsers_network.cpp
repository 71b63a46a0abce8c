// SPDX-License-Identifier: LGPL-2.1-or-later
// Values that say which network a machine has: its links, addresses and ports.
#include "spec/option_parsers.hpp"

#include "base/text.hpp"
#include "spec/link_names.hpp"
#include "spec/network_plan.hpp"
#include "spec/port_forward.hpp"

namespace machinist::option_parsers {

namespace {

constexpr const char* names_of_links = "1 to 15 printable characters without ':', '/' and '%'";

bool refuse_link_name(const Reading& reading, std::string_view name) {
    reading.problem("names '" + escaped_for_people(name) + "', which is no name of a network link", names_of_links);
    return false;
}

// "HOST" or "HOST:NAME". What is said of the host's may be an alternative name, which can be longer.
bool read_link_pair(const Reading& reading, std::string_view word, std::size_t longest_on_host, std::string_view prefix,
                    std::vector<LinkPair>& pairs) {
    const auto colon = word.find(':');
    const std::string_view host = word.substr(0, colon);
    const std::string_view machine = colon == std::string_view::npos ? "" : word.substr(colon + 1);
    if (!is_link_name(host, longest_on_host))
        return refuse_link_name(reading, host);
    if (!machine.empty() && !is_link_name(machine))
        return refuse_link_name(reading, machine);
    pairs.push_back(
        {std::string{host}, machine.empty() ? std::string{prefix} + std::string{host} : std::string{machine}});
    return true;
}

void read_link_pairs(Reading& reading, std::string_view prefix, std::vector<LinkPair> NetworkSettings::*member) {
    const auto words = split_words(reading.value);
    if (words.empty())
        return reading.problem("names no network link");
    std::vector<LinkPair> pairs;
    for (const std::string_view word : words)
        if (!read_link_pair(reading, word, longest_alternative_link_name, prefix, pairs))
            return;
    auto& list = group(reading.settings.network).*member;
    list.insert(list.end(), pairs.begin(), pairs.end());
}

// Words between blanks or commas, all of them or none.
template <typename Value>
void read_addresses(Reading& reading, std::vector<Value> AddressSettings::*member, const char* predicate,
                    const char* remedy) {
    std::vector<Value> values;
    for (const std::string_view word : split_words(reading.value, ", \t")) {
        const auto value = Value::parse(word);
        if (!value)
            return reading.problem(predicate, remedy);
        values.push_back(*value);
    }
    if (values.empty())
        return reading.problem(predicate, remedy);
    auto& list = group(reading.settings.addresses).*member;
    list.insert(list.end(), values.begin(), values.end());
}

} // namespace

void private_network(Reading& reading) {
    if (const auto wanted = boolean(reading))
        group(reading.settings.network).is_private = wanted;
}

void network_namespace(Reading& reading) {
    if (auto path = absolute_path(reading))
        group(reading.settings.network).namespace_path = std::move(path);
}

void network_veth(Reading& reading) {
    if (const auto wanted = boolean(reading))
        group(reading.settings.network).veth = wanted;
}

void network_extra_veth(Reading& reading) {
    std::vector<LinkPair> pair;
    if (read_link_pair(reading, reading.value, longest_link_name, "", pair))
        group(reading.settings.network).extra_veths.push_back(std::move(pair.front()));
}

void network_bridge(Reading& reading) {
    if (is_link_name(reading.value, longest_alternative_link_name))
        group(reading.settings.network).bridge = reading.value;
    else
        refuse_link_name(reading, reading.value);
}

void network_zone(Reading& reading) {
    if (!reading.value.empty() && is_link_name(bridge_of_zone(reading.value)))
        group(reading.settings.network).zone = reading.value;
    else
        reading.problem("is no name of a zone", "1 to 12 printable characters without ':', '/' and '%'");
}

void network_interface(Reading& reading) {
    read_link_pairs(reading, "", &NetworkSettings::interfaces);
}

void network_macvlan(Reading& reading) {
    read_link_pairs(reading, "mv-", &NetworkSettings::macvlans);
}

void network_ipvlan(Reading& reading) {
    read_link_pairs(reading, "iv-", &NetworkSettings::ipvlans);
}

void network_address(Reading& reading) {
    read_addresses(reading, &AddressSettings::addresses, "is no address", "for example 192.0.2.7/24 or 2001:db8::7/64");
}

void network_gateway(Reading& reading) {
    read_addresses(reading, &AddressSettings::gateways, "is no address of a gateway", "for example 192.0.2.1");
}

void network_name_server(Reading& reading) {
    read_addresses(reading, &AddressSettings::name_servers, "is no address of a name server", "for example 192.0.2.1");
}

void port(Reading& reading) {
    const auto wanted = parse_port_forward(reading.value);
    if (!wanted)
        return reading.problem("is no port to forward", "for example 8080:80, udp:53 or tcp:8000-8010:9000-9010");
    auto& ports = group(reading.settings.ports);
    if (share_a_port_of_the_host(*wanted, ports))
        return reading.problem("forwards a port of the host that is forwarded already");
    ports.push_back(*wanted);
}

} // namespace machinist::option_parsers
