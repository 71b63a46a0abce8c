// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/dnsmasq_files.hpp"

#include "gateway/prefixes.hpp"

#include <algorithm>

namespace machinist {

namespace {

std::string netmask(unsigned length) {
    return address_in({}, length == 0 ? 0 : ~0U << (32 - length)).text();
}

} // namespace

std::string dnsmasq_settings(const ServedZone& zone) {
    const std::string place = zone.directory.string();
    const std::uint32_t last = (1U << (32 - zone.v4.length)) - 2;
    std::string text;
    const auto add = [&text](const std::string& line) { text += line + "\n"; };
    add("interface=" + zone.bridge);
    add("except-interface=lo");
    // Addresses of the bridge may come later than dnsmasq: those of its own link do.
    add("bind-dynamic");
    add("pid-file=");
    add("no-hosts");
    add("addn-hosts=" + place + "/names");
    add("domain=" + std::string{machine_domain});
    add("local=/" + std::string{machine_domain} + "/");
    add("expand-hosts");
    add("domain-needed");
    add("bogus-priv");
    add("cache-size=1000");
    add("dhcp-range=" + address_in(zone.v4, 2).text() + "," + address_in(zone.v4, last).text() + "," +
        netmask(zone.v4.length) + ",1h");
    add("dhcp-hostsfile=" + place + "/offers");
    add("dhcp-leasefile=" + place + "/leases");
    add("dhcp-lease-max=1024");
    add("dhcp-authoritative");
    add("dhcp-rapid-commit");
    // Else each new address is waited for three seconds, in case that somebody has it.
    add("no-ping");
    // Names are the host's to give: a machine could take another's.
    add("dhcp-ignore-names");
    add("enable-ra");
    add("dhcp-range=" + network_of(zone.v6).address.text() + ",ra-stateless," + std::to_string(zone.v6.length) + ",1h");
    add("quiet-dhcp");
    add("quiet-dhcp6");
    add("quiet-ra");
    return text;
}

std::string dnsmasq_offers(const std::vector<ServedMachine>& machines) {
    std::string text;
    for (const ServedMachine& machine : machines)
        if (machine.address && !machine.address->is_ipv6() && !machine.mac.empty())
            text += machine.mac + "," + machine.address->text() + "\n";
    return text;
}

std::string dnsmasq_names(const std::vector<ServedMachine>& machines) {
    std::string text;
    for (const ServedMachine& machine : machines) {
        std::vector<IpAddress> addresses = machine.found;
        if (machine.address && std::ranges::find(addresses, *machine.address) == addresses.end() &&
            std::ranges::find(addresses, machine.address->is_ipv6(), &IpAddress::is_ipv6) == addresses.end())
            addresses.insert(addresses.begin(), *machine.address);
        for (const IpAddress& address : addresses)
            if (!address.is_link_local())
                text += address.text() + " " + machine.name + "\n";
    }
    return text;
}

} // namespace machinist
