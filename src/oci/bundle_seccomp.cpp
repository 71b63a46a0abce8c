// SPDX-License-Identifier: LGPL-2.1-or-later
// The system call filter of a bundle. It narrows the machine's own one: what either refuses is refused.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"
#include "spec/syscall_filter.hpp"

#include <set>

namespace machinist::oci {

namespace {

enum class Answer { allow, refuse, unknown };

Answer answer_of(const std::string& action) {
    for (const char* name : {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG"})
        if (action == name)
            return Answer::allow;
    for (const char* name :
         {"SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"})
        if (action == name)
            return Answer::refuse;
    return Answer::unknown; // to trace or to ask a supervisor
}

} // namespace

void read_seccomp(Fields seccomp, BundleReading& reading) {
    Findings& findings = reading.findings;
    const Answer by_default = answer_of(seccomp.text("defaultAction").value_or(""));
    if (by_default == Answer::unknown)
        findings.refuse(seccomp.place_of("defaultAction"), "is not built yet in this version", {},
                        FailureKind::not_supported);
    std::set<std::string> allowed;
    std::set<std::string> refused;
    bool has_conditions = false;
    for (Fields& rule : seccomp.objects("syscalls")) {
        const Answer answer = answer_of(rule.text("action").value_or(""));
        const bool is_conditional = rule.has("args");
        rule.pass_over("args");
        rule.pass_over("errnoRet"); // it is EPERM
        const auto names = rule.texts("names");
        rule.told_all();
        if (answer == Answer::unknown)
            findings.refuse(rule.place_of("action"), "is not built yet in this version", {},
                            FailureKind::not_supported);
        else if (answer == by_default)
            continue;
        else if (answer == Answer::allow)
            allowed.insert(names.begin(), names.end());
        else if (is_conditional)
            findings.refuse(rule.place_of("args"), "is not built yet in this version for calls that are refused",
                            "refusing them whatever their arguments are", FailureKind::not_supported);
        else
            refused.insert(names.begin(), names.end());
        has_conditions = has_conditions || (is_conditional && answer == Answer::allow);
    }
    if (has_conditions)
        findings.warn(seccomp.place_of("syscalls"), "allows some calls by their arguments: for them the machine's own "
                                                    "filter holds");
    for (const char* name : {"architectures", "defaultErrnoRet", "flags"})
        seccomp.pass_over(name); // all ABIs are filtered alike
    seccomp.refused("listenerPath", "is not built yet in this version");
    seccomp.pass_over("listenerMetadata");
    seccomp.told_all();
    SyscallSettings settings;
    if (by_default == Answer::refuse) {
        for (const std::string_view name : every_syscall_name())
            if (!allowed.contains(std::string{name}))
                settings.deny.emplace_back(name);
    } else {
        // Names that this machine's kernel does not have need no refusal.
        for (const std::string& name : refused)
            if (unknown_syscalls({name}).empty())
                settings.deny.push_back(name);
    }
    reading.bundle.settings.syscalls = std::move(settings);
}

} // namespace machinist::oci
