// SPDX-License-Identifier: LGPL-2.1-or-later
// The system call filter of a bundle. It narrows the machine's own one: what either refuses is refused.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"
#include "spec/syscall_filter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace machinist::oci {

namespace {

constexpr std::size_t most_rules = 10000;
constexpr std::uint64_t last_error = 4095; // that the kernel hands on

struct Action {
    std::string_view name;
    SyscallAction action;
};
constexpr std::array actions{Action{"SCMP_ACT_ALLOW", SyscallAction::allow},
                             Action{"SCMP_ACT_LOG", SyscallAction::log},
                             Action{"SCMP_ACT_ERRNO", SyscallAction::refuse},
                             Action{"SCMP_ACT_TRAP", SyscallAction::trap},
                             Action{"SCMP_ACT_KILL", SyscallAction::kill_thread},
                             Action{"SCMP_ACT_KILL_THREAD", SyscallAction::kill_thread},
                             Action{"SCMP_ACT_KILL_PROCESS", SyscallAction::kill_process}};

struct Operator {
    std::string_view name;
    Comparison comparison;
};
constexpr std::array operators{
    Operator{"SCMP_CMP_NE", Comparison::not_equal},          Operator{"SCMP_CMP_LT", Comparison::less},
    Operator{"SCMP_CMP_LE", Comparison::less_or_equal},      Operator{"SCMP_CMP_EQ", Comparison::equal},
    Operator{"SCMP_CMP_GE", Comparison::greater_or_equal},   Operator{"SCMP_CMP_GT", Comparison::greater},
    Operator{"SCMP_CMP_MASKED_EQ", Comparison::masked_equal}};

std::optional<SyscallAction> action_in(Fields& fields, const char* name) {
    const std::string written = fields.text(name).value_or("");
    const auto* known = std::ranges::find(actions, written, &Action::name);
    if (known != actions.end())
        return known->action;
    const std::string place = fields.place_of(name);
    if (written == "SCMP_ACT_NOTIFY")
        fields.findings().refuse(place,
                                 "asks a program beside the machine about each call, which a machine has none of",
                                 "SCMP_ACT_ERRNO", FailureKind::not_supported);
    else if (written == "SCMP_ACT_TRACE")
        fields.findings().refuse(place, "asks a tracer about each call, which a machine has none of", "SCMP_ACT_ERRNO",
                                 FailureKind::not_supported);
    else
        fields.findings().refuse(place, "is no action of a filter");
    return std::nullopt;
}

std::optional<SyscallAnswer> answer_in(Fields& fields, const char* action_name, const char* error_name) {
    const auto action = action_in(fields, action_name);
    const std::uint64_t error = fields.natural(error_name).value_or(EPERM);
    if (error > last_error)
        fields.findings().refuse(fields.place_of(error_name), "is no number of an error");
    if (!action || error > last_error)
        return std::nullopt;
    return SyscallAnswer{*action,
                         *action == SyscallAction::refuse ? static_cast<std::uint16_t>(error) : std::uint16_t{0}};
}

std::optional<SyscallCondition> condition_in(Fields& fields) {
    const auto index = fields.natural("index");
    const auto value = fields.natural("value");
    const auto value_two = fields.natural("valueTwo");
    const std::string op = fields.text("op").value_or("");
    fields.told_all();
    const auto* known = std::ranges::find(operators, op, &Operator::name);
    if (!index || *index > 5)
        fields.findings().refuse(fields.place_of("index"), "is no number from 0 to 5");
    else if (!value)
        fields.findings().refuse(fields.place_of("value"), "is missing");
    else if (known == operators.end())
        fields.findings().refuse(fields.place_of("op"), "is no comparison");
    else if (known->comparison == Comparison::masked_equal)
        return SyscallCondition{.argument = static_cast<std::uint32_t>(*index),
                                .comparison = Comparison::masked_equal,
                                .value = value_two.value_or(0),
                                .mask = *value};
    else
        return SyscallCondition{
            .argument = static_cast<std::uint32_t>(*index), .comparison = known->comparison, .value = *value};
    return std::nullopt;
}

std::optional<std::vector<SyscallCondition>> conditions_in(Fields& rule) {
    std::vector<SyscallCondition> conditions;
    for (Fields& fields : rule.objects("args")) {
        const auto condition = condition_in(fields);
        if (!condition)
            return std::nullopt;
        if (std::ranges::find(conditions, condition->argument, &SyscallCondition::argument) != conditions.end()) {
            rule.findings().refuse(rule.place_of("args"),
                                   "has two conditions on one argument, which some take for both and some for either",
                                   "a rule for each, or SCMP_CMP_MASKED_EQ", FailureKind::not_supported);
            return std::nullopt;
        }
        conditions.push_back(*condition);
    }
    return conditions;
}

void read_rule(Fields& fields, SyscallRules& rules) {
    const auto answer = answer_in(fields, "action", "errnoRet");
    auto conditions = conditions_in(fields);
    auto names = fields.texts("names");
    fields.told_all();
    if (names.empty())
        fields.findings().refuse(fields.place_of("names"), "is missing");
    // Names that no kernel of this architecture has need no rule.
    std::erase_if(names, [](const std::string& name) { return !unknown_syscalls({name}).empty(); });
    if (answer && conditions && !names.empty())
        rules.rules.push_back({std::move(names), *answer, std::move(*conditions)});
}

bool has_rule_for(const SyscallRules& rules, const std::string& call) {
    return std::ranges::any_of(
        rules.rules, [&](const SyscallRule& rule) { return std::ranges::find(rule.calls, call) != rule.calls.end(); });
}

} // namespace

void read_seccomp(Fields seccomp, BundleReading& reading) {
    const auto otherwise = answer_in(seccomp, "defaultAction", "defaultErrnoRet");
    SyscallRules rules{.otherwise = otherwise.value_or(SyscallAnswer{}), .rules = {}};
    auto list = seccomp.objects("syscalls");
    if (list.size() > most_rules)
        return reading.findings.refuse(seccomp.place_of("syscalls"), "has more than 10000 rules");
    for (Fields& rule : list)
        read_rule(rule, rules);
    // Without a word about it, C libraries must find that there is no such call: they fall back then.
    if (rules.otherwise.action == SyscallAction::refuse && !has_rule_for(rules, "clone3"))
        rules.rules.push_back({{"clone3"}, {SyscallAction::refuse, ENOSYS}, {}});
    for (const char* name : {"architectures", "flags"})
        seccomp.pass_over(name); // all ABIs are filtered alike
    seccomp.refused("listenerPath", "is of a program that is asked about calls, which a machine has none of");
    seccomp.pass_over("listenerMetadata");
    seccomp.told_all();
    reading.bundle.settings.syscalls = SyscallSettings{.allow = {}, .deny = {}, .rules = std::move(rules)};
}

} // namespace machinist::oci
