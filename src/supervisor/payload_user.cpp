// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/payload_user.hpp"

#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/files.hpp"

#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace machinist {

Account find_payload_user(const PayloadSpec& payload) {
    if (!payload.user)
        return {.name = "root", .uid = 0, .gid = 0, .groups = {}, .home = "/root", .shell = ""};
    const UniqueFd root = open_path("/", O_PATH | O_DIRECTORY);
    return find_account(*payload.user, read_untrusted(root, "etc/passwd", account_file_limit).value_or(""),
                        read_untrusted(root, "etc/group", account_file_limit).value_or(""));
}

void become_user(const Account& account, const MachineSpec& spec) {
    CapabilitySets wanted =
        payload_capabilities(spec.capabilities.bounding, spec.capabilities.ambient, account.uid == 0);
    // Systemd-nspawn's way for compatibility; what is inheritable is not needed by root and a gift to others
    // (CVE-2022-24769).
    if (spec.manner == Manner::machinist)
        wanted.inheritable = wanted.ambient;
    limit_bounding_capabilities(spec.capabilities.bounding);
    keep_capabilities_over_user_change();
    std::vector<gid_t> groups{account.groups.begin(), account.groups.end()};
    groups.insert(groups.end(), spec.payload.groups.begin(), spec.payload.groups.end());
    if (::setgroups(groups.size(), groups.data()) < 0 || ::setresgid(account.gid, account.gid, account.gid) < 0 ||
        ::setresuid(account.uid, account.uid, account.uid) < 0)
        throw system_failure("become user '" + spec.payload.user.value_or("root") + "'");
    // A change of ids forgets it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        throw system_failure("ask to end with the supervisor");
    (void)set_capabilities(wanted);
    if (spec.no_new_privileges)
        set_no_new_privileges();
}

} // namespace machinist
