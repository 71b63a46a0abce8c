// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/unit_order.hpp"

#include "base/failure.hpp"
#include "base/machine_id.hpp"
#include "base/machine_name.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace machinist {

namespace {

template <typename Number>
Number number_in(std::string_view text) {
    const auto number = parse_integer<Number>(text);
    if (!number || *number <= 0)
        throw Failure{FailureKind::usage, "read number '" + escaped_for_people(text) + "' of the command line"};
    return *number;
}

struct Word {
    std::string_view name;
    void (*take)(UnitOrder&, std::string_view);
};
constexpr std::array words{
    Word{"--unregister", [](UnitOrder& order, std::string_view) { order.unregister = true; }},
    Word{"--register", [](UnitOrder& order, std::string_view) { order.register_machine = true; }},
    Word{"--machine", [](UnitOrder& order, std::string_view value) { order.name = value; }},
    Word{"--scope", [](UnitOrder& order, std::string_view value) { order.scope = value; }},
    Word{"--property", [](UnitOrder& order, std::string_view value) { order.properties.emplace_back(value); }},
    Word{"--launcher", [](UnitOrder& order, std::string_view value) { order.launcher = number_in<pid_t>(value); }},
    Word{"--leader", [](UnitOrder& order, std::string_view value) { order.leader = number_in<pid_t>(value); }},
    Word{"--id", [](UnitOrder& order, std::string_view value) { order.id = value; }},
    Word{"--service", [](UnitOrder& order, std::string_view value) { order.service = value; }},
    Word{"--root", [](UnitOrder& order, std::string_view value) { order.root = value; }},
    Word{"--interface",
         [](UnitOrder& order, std::string_view value) { order.network_interfaces.push_back(number_in<int>(value)); }},
};

} // namespace

UnitOrder parse_unit_order(std::span<char*> arguments) {
    UnitOrder order;
    for (const std::string_view argument : arguments) {
        const std::size_t equals = argument.find('=');
        const auto* word = std::ranges::find(words, argument.substr(0, equals), &Word::name);
        if (word == words.end())
            throw Failure{FailureKind::usage, "read option '" + escaped_for_people(argument) + "'"};
        word->take(order, equals == std::string_view::npos ? "" : argument.substr(equals + 1));
    }
    if (!MachineName::parse(order.name))
        throw Failure{FailureKind::usage, "read the machine's name '" + escaped_for_people(order.name) + "'"};
    if (!order.unregister && (order.leader == 0 || (!order.scope.empty() && order.launcher == 0)))
        throw Failure{FailureKind::usage, "read which processes are the machine's: they are missing"};
    if (order.register_machine && !MachineId::parse(order.id))
        throw Failure{FailureKind::usage, "read the machine's id '" + escaped_for_people(order.id) + "'"};
    return order;
}

} // namespace machinist
