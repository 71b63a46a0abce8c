// SPDX-License-Identifier: LGPL-2.1-or-later
// What machines need of the host's network beyond their links: addresses, names, a way out, ports that lead to them.
// All of it follows from the machines that are attached; what is in the kernel is replaced when that has changed.
#pragma once

#include "bus/event_loop.hpp"
#include "gateway/address_watch.hpp"
#include "gateway/forwarding_switches.hpp"
#include "gateway/nft_ruleset.hpp"
#include "gateway/nft_session.hpp"
#include "gateway/served_link.hpp"
#include "kernel/pidfd.hpp"
#include "network/gateway_client.hpp"
#include "spec/machine_spec.hpp"

#include <map>
#include <string>
#include <string_view>

namespace machinist {

class Gateway {
public:
    // directory: of this network namespace. idle is called when nothing is left to see to.
    Gateway(EventLoop& loop, std::filesystem::path directory, NftNames names, EventLoop::Handler idle);
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;
    ~Gateway();

    // All machines that run in this network namespace and need us.
    void adopt_machines();

    Reservation reserve(const std::string& key, const std::string& machine, const std::string& link,
                        const std::string& mac);
    // If it was not attached meanwhile.
    void release(const std::string& key);
    void attach(const std::string& key);
    void add_port(const std::string& key, const PortForward& port);
    void remove_port(const std::string& key, const PortForward& port);

    [[nodiscard]] bool is_idle() const {
        return machines_.empty() && reserved_.empty();
    }

private:
    struct Attached {
        std::string name;
        std::string link;   // of the host's that leads to it, by the name that it was planned with; "" if none does
        std::string device; // as it is called now
        bool served = false;
        std::string mac;
        std::optional<IpAddress> offered;
        std::vector<PortForward> ports;
        std::vector<IpAddress> found; // that the host reaches by the link
        Pidfd leader;
        std::optional<AddressWatch> watch;
        EventSource end, change, later;
    };

    void attach(const std::string& key, const MachineSpec& spec, Pidfd leader);
    Attached attached_of(const std::string& key, const MachineSpec& spec, Pidfd leader) const;
    void watch(const std::string& key);
    void look_at_addresses(const std::string& key);
    void forget(const std::string& key);
    Attached& machine_of(const std::string& key);
    ServedLink& served_link(const std::string& name, const std::vector<IpPrefix>& wanted);
    void refuse_taken_ports(const std::vector<PortForward>& ports, const std::string& key) const;
    void drop_links_of_nobody();
    void update();
    [[nodiscard]] ForwardingState state() const;
    void tell_name_servers();
    static void serve(ServedLink& link, const std::vector<ServedMachine>& machines);
    void apply(const ForwardingState& state);
    void write_facts() const;
    void tell_if_idle();

    EventLoop& loop_;
    std::filesystem::path directory_;
    NftNames names_;
    NftSession nft_;
    EventLoop::Handler idle_;
    ForwardingSwitches switches_;
    std::map<std::string, ServedLink> links_;
    std::map<std::string, Attached> machines_; // by the key of their run directory
    struct Reserved {
        std::string link;
        std::string mac;
        IpAddress address;
    };
    std::map<std::string, Reserved> reserved_;
    EventSource update_later_;
    std::string applied_;
    std::string problem_; // of the last try to replace the rules
};

} // namespace machinist
