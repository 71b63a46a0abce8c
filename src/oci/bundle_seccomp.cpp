// SPDX-License-Identifier: LGPL-2.1-or-later
// The system call filter of a bundle. It narrows the machine's own one: what either refuses is refused.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"
#include "spec/syscall_filter.hpp"

#include <cerrno>
#include <map>
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
    const bool hides_by_default = seccomp.natural("defaultErrnoRet").value_or(EPERM) == ENOSYS;
    std::set<std::string> allowed;
    std::map<std::string, bool> refused; // and whether they are hidden
    bool has_conditions = false;
    for (Fields& rule : seccomp.objects("syscalls")) {
        const Answer answer = answer_of(rule.text("action").value_or(""));
        const bool is_conditional = rule.has("args");
        const bool hides = rule.natural("errnoRet").value_or(EPERM) == ENOSYS;
        rule.pass_over("args");
        const auto names = rule.texts("names");
        rule.told_all();
        if (answer == Answer::unknown)
            findings.refuse(rule.place_of("action"), "is not built yet in this version", {},
                            FailureKind::not_supported);
        else if (answer == Answer::allow)
            allowed.insert(names.begin(), names.end());
        else if (is_conditional && by_default == Answer::allow)
            findings.refuse(rule.place_of("args"), "is not built yet in this version for calls that are refused",
                            "refusing them whatever their arguments are", FailureKind::not_supported);
        else
            for (const std::string& name : names)
                refused[name] = hides;
        has_conditions = has_conditions || (is_conditional && answer == Answer::allow);
    }
    if (has_conditions)
        findings.warn(seccomp.place_of("syscalls"), "allows some calls by their arguments: for them the machine's own "
                                                    "filter holds");
    for (const char* name : {"architectures", "flags"})
        seccomp.pass_over(name); // all ABIs are filtered alike
    seccomp.refused("listenerPath", "is not built yet in this version");
    seccomp.pass_over("listenerMetadata");
    seccomp.told_all();
    SyscallSettings settings;
    const auto close = [&](const std::string& name, bool is_hidden) {
        settings.deny.push_back(is_hidden ? name + std::string{hiding_suffix} : name);
    };
    if (by_default == Answer::refuse) {
        for (const std::string_view view : every_syscall_name()) {
            const std::string name{view};
            const auto known = refused.find(name);
            // Without a word about it, C libraries must find that there is no such call: they fall back then.
            const bool falls_back = name == "clone3";
            if (!allowed.contains(name))
                close(name, known != refused.end() ? known->second : hides_by_default || falls_back);
        }
    } else {
        // Names that no kernel of this architecture has need no refusal.
        for (const auto& [name, is_hidden] : refused)
            if (unknown_syscalls({name}).empty())
                close(name, is_hidden);
    }
    reading.bundle.settings.syscalls = std::move(settings);
}

} // namespace machinist::oci
