// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/gateway_facts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::vector<std::string> texts_of(const Json& object, const char* key) {
    std::vector<std::string> texts;
    const auto found = object.find(key);
    if (found != object.end() && found->is_array())
        for (const Json& text : *found)
            if (text.is_string())
                texts.push_back(text.get<std::string>());
    return texts;
}

Json list_of(std::string_view json, const char* key) {
    Json parsed = Json::parse(json, nullptr, false);
    return parsed.is_object() && parsed.contains(key) && parsed[key].is_array() ? parsed[key] : Json::array();
}

bool is_ours(const Json& chain, std::string_view our_table) {
    return text_of(chain, "family") == "inet" && text_of(chain, "table") == our_table;
}

// Nothing but a verdict (counters and remarks aside) that drops or rejects.
bool drops_everything(const Json& rule) {
    const auto expressions = rule.find("expr");
    if (expressions == rule.end() || !expressions->is_array())
        return false;
    bool drops = false;
    for (const Json& expression : *expressions) {
        if (!expression.is_object() || expression.empty())
            return false;
        const std::string kind = expression.begin().key();
        drops = drops || kind == "drop" || kind == "reject";
        if (kind != "drop" && kind != "reject" && kind != "counter" && kind != "log" && kind != "limit")
            return false;
    }
    return drops;
}

// It names the link, whole or by its beginning, and does not drop.
bool accepts(const Json& rule, std::string_view link) {
    const auto expressions = rule.find("expr");
    if (expressions == rule.end() || !expressions->is_array())
        return false;
    bool names = false;
    for (const Json& expression : *expressions) {
        if (!expression.is_object() || expression.empty() || expression.contains("drop") ||
            expression.contains("reject"))
            return false;
        const auto match = expression.find("match");
        const std::string right = match != expression.end() && match->is_object() ? text_of(*match, "right") : "";
        names =
            names || (!right.empty() &&
                      (right == link || (right.ends_with('*') && link.starts_with(right.substr(0, right.size() - 1)))));
    }
    return names;
}

} // namespace

std::string gateway_facts_text(const GatewayFacts& facts) {
    Json json{
        {"table", facts.table}, {"problem", facts.problem}, {"links", Json::array()}, {"machines", Json::array()}};
    for (const GatewayFacts::Link& link : facts.links)
        json["links"].push_back({{"name", link.name},
                                 {"v4", link.v4},
                                 {"v6", link.v6},
                                 {"name_server", link.name_server},
                                 {"problem", link.problem}});
    for (const GatewayFacts::Machine& machine : facts.machines)
        json["machines"].push_back({{"key", machine.key},
                                    {"name", machine.name},
                                    {"link", machine.link},
                                    {"addresses", machine.addresses},
                                    {"ports", machine.ports}});
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

GatewayFacts parse_gateway_facts(std::string_view json) {
    GatewayFacts facts;
    const Json parsed = Json::parse(json, nullptr, false);
    if (!parsed.is_object())
        return facts;
    facts.table = text_of(parsed, "table");
    facts.problem = text_of(parsed, "problem");
    for (const Json& link : list_of(json, "links"))
        facts.links.push_back({.name = text_of(link, "name"),
                               .v4 = text_of(link, "v4"),
                               .v6 = text_of(link, "v6"),
                               .name_server = link.value("name_server", pid_t{0}),
                               .problem = text_of(link, "problem")});
    for (const Json& machine : list_of(json, "machines"))
        facts.machines.push_back({.key = text_of(machine, "key"),
                                  .name = text_of(machine, "name"),
                                  .link = text_of(machine, "link"),
                                  .addresses = texts_of(machine, "addresses"),
                                  .ports = texts_of(machine, "ports")});
    return facts;
}

bool others_translate_addresses(std::string_view rulesets, std::string_view our_table) {
    return std::ranges::any_of(list_of(rulesets, "nftables"), [&](const Json& item) {
        const auto chain = item.find("chain");
        return chain != item.end() && text_of(*chain, "type") == "nat" && text_of(*chain, "hook") == "postrouting" &&
               !is_ours(*chain, our_table);
    });
}

std::vector<DroppingChain> dropping_chains(std::string_view rulesets, std::string_view our_table,
                                           std::string_view link) {
    std::vector<DroppingChain> found, candidates;
    const Json items = list_of(rulesets, "nftables");
    for (const Json& item : items) {
        const auto chain = item.find("chain");
        const bool is_filter = chain != item.end() && text_of(*chain, "type") == "filter";
        const std::string family = is_filter ? text_of(*chain, "family") : "";
        if (!is_filter || is_ours(*chain, our_table) || (family != "ip" && family != "ip6" && family != "inet"))
            continue;
        candidates.push_back({.family = family,
                              .table = text_of(*chain, "table"),
                              .chain = text_of(*chain, "name"),
                              .hook = text_of(*chain, "hook"),
                              .by_policy = text_of(*chain, "policy") == "drop"});
    }
    const auto in_table_of = [](const DroppingChain& chain, const Json& rule) {
        return text_of(rule, "family") == chain.family && text_of(rule, "table") == chain.table;
    };
    for (DroppingChain& candidate : candidates) {
        candidate.accepts_link = !link.empty() && std::ranges::any_of(items, [&](const Json& item) {
            const auto rule = item.find("rule");
            return rule != item.end() && in_table_of(candidate, *rule) && accepts(*rule, link);
        });
        const bool by_rule = std::ranges::any_of(items, [&](const Json& item) {
            const auto rule = item.find("rule");
            return rule != item.end() && in_table_of(candidate, *rule) && text_of(*rule, "chain") == candidate.chain &&
                   drops_everything(*rule);
        });
        if (candidate.by_policy || by_rule)
            found.push_back(candidate);
    }
    return found;
}

} // namespace machinist
