// SPDX-License-Identifier: LGPL-2.1-or-later
// What machinist-gateway keeps, as the file facts.json tells it to others; and what rules of others say.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace machinist {

struct GatewayFacts {
    struct Link {
        std::string name;
        std::string v4, v6;    // prefixes, with the host's address
        pid_t name_server = 0; // 0: none runs
        std::string problem;   // why not
    };
    struct Machine {
        std::string key;
        std::string name;
        std::string link;
        std::vector<std::string> addresses = {};
        std::vector<std::string> ports = {};
    };
    std::string table;
    std::string problem; // that the rules could not be replaced for
    std::vector<Link> links;
    std::vector<Machine> machines;
};

std::string gateway_facts_text(const GatewayFacts& facts);
// What cannot be read counts as nothing.
GatewayFacts parse_gateway_facts(std::string_view json);

// rulesets: what nft lists as JSON. There is a chain behind routing that translates addresses in another table.
bool others_translate_addresses(std::string_view rulesets, std::string_view our_table);

// A chain of others that drops what no rule of theirs accepts, or drops by a rule without a condition.
struct DroppingChain {
    std::string family, table, chain;
    std::string hook; // "forward", "input", "output", "prerouting", "postrouting"
    bool by_policy = false;
    bool accepts_link = false; // a rule of its table names the link: somebody has thought of it
    friend bool operator==(const DroppingChain&, const DroppingChain&) = default;
};
std::vector<DroppingChain> dropping_chains(std::string_view rulesets, std::string_view our_table,
                                           std::string_view link = {});

} // namespace machinist
