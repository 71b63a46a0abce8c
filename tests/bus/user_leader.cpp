// SPDX-License-Identifier: LGPL-2.1-or-later
#include "user_leader.hpp"

#include "kernel/forked.hpp"
#include "kernel/user_namespace.hpp"

#include <csignal>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

UserLeader::UserLeader(std::uint32_t first_user, std::uint32_t first_group) {
    const Pidfd child = fork_held(CLONE_NEWUSER);
    if (!child) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Connections of the test end when the test ends them.
        (void)::close_range(3, ~0U, 0);
        while (true)
            ::pause();
    }
    pid_ = child.pid();
    const IdMap users[] = {{.inside = 0, .outside = first_user, .count = 65536}};
    const IdMap groups[] = {{.inside = 0, .outside = first_group, .count = 65536}};
    write_id_maps(pid_, users, groups);
}

UserLeader::~UserLeader() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

} // namespace machinist::testing
