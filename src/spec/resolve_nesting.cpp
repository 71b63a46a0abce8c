// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving what a machine gets in which machines and containers shall run.
#include "spec/resolving.hpp"
#include "spec/syscall_filter.hpp"

#include <algorithm>

namespace machinist::resolving {

namespace {

// As many machines with users of their own can run inside at once, each with 65536.
constexpr std::uint32_t nested_ranges = 8;

bool has_own_users(const UserSpec& users) {
    return users.kind != UserNamespaceKind::none && !(users.kind == UserNamespaceKind::fixed && users.base == 0);
}

void refuse_what_would_open_the_host(Resolving& r) {
    constexpr const char* option = "--nesting";
    if (!has_own_users(r.spec.users))
        r.problem(option, "--nesting needs users of the machine's own: what it opens would be the host's",
                  "--private-users=pick");
    if (!r.spec.cgroup_namespace)
        r.problem(option, "--nesting needs a cgroup namespace: machines inside would be put beside the host's groups",
                  "unsetting SYSTEMD_NSPAWN_USE_CGNS");
    if (r.spec.shared.pid)
        r.problem(option, "--nesting needs processes of the machine's own: its whole /proc would show the host's",
                  "unsetting SYSTEMD_NSPAWN_SHARE_SYSTEM and SYSTEMD_NSPAWN_SHARE_NS_PID");
}

void open_calls(SyscallFilterSpec& filter) {
    if (!filter.strict)
        return;
    // Keyrings are counted and named by the user namespace, which is the machine's own.
    for (const std::string_view word : {nesting_word, std::string_view{"@keyring"}})
        if (std::ranges::find(filter.allow, word) == filter.allow.end())
            filter.allow.emplace_back(word);
}

} // namespace

void nesting(Resolving& r) {
    if (!r.settings.nesting.value_or(false))
        return;
    refuse_what_would_open_the_host(r);
    if (r.spec.users.nested_ranges > 0)
        r.problem("--private-users-delegate", "--private-users-delegate and --nesting exclude each other",
                  "--nesting with --private-users=pick, which has more ranges, too");
    r.spec.nesting = true;
    // Whoever names a range says its size, too.
    if (r.spec.users.kind == UserNamespaceKind::pick)
        r.spec.users.nested_ranges = nested_ranges;
    open_calls(r.spec.syscall_filter);
}

} // namespace machinist::resolving
