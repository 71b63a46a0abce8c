// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of a machine's packets, hop by hop, judged from what was found out: which of them drops, and what helps.
#pragma once

#include "base/enum_names.hpp"

#include <string>
#include <vector>

namespace machinist {

struct ForeignChain {
    std::string family, table, chain; // of nftables; those of iptables are there, too
    std::string hook;
    bool accepts_link = false; // a rule of that table names the machine's link
};

struct NetworkPathFacts {
    std::string machine;
    std::string main_link;              // in the machine; "" if it has none
    bool is_private = true;             // it has a network of its own
    std::vector<std::string> addresses; // of the machine, without those of its link alone
    bool has_default_route = false;
    std::vector<std::string> name_servers; // as its /etc/resolv.conf says

    std::string host_link; // that leads to it: its own, or the bridge
    bool host_link_is_there = true;
    bool host_link_is_up = true;
    std::vector<std::string> host_addresses; // on it, prefixes
    bool networkd_sees_to_it = false;
    bool we_see_to_it = false;       // machinist-gateway has it among its links
    bool gateway_answers = true;     // where it should
    std::string rules_problem;       // that it has with nftables
    std::string name_server_problem; // that it has with dnsmasq; "" if that runs

    bool forwards_v4 = true;
    std::string uplink; // the host's default route; "" for none
    std::vector<ForeignChain> dropping;
    bool has_legacy_tables = false; // of iptables before nftables, which cannot be looked into
    std::vector<std::string> ports; // that lead to it
};

enum class HopState { passes, drops, unclear };
inline constexpr EnumNames<HopState, 3> hop_state_names{
    {{HopState::passes, "passes"}, {HopState::drops, "drops"}, {HopState::unclear, "unclear"}}};

struct Hop {
    std::string name; // "address", "forwarding"
    HopState state = HopState::passes;
    std::string what;
    std::string remedy; // "" where nothing is to be done
};

// From the machine outwards. Pure.
std::vector<Hop> judge_network_path(const NetworkPathFacts& facts);

} // namespace machinist
