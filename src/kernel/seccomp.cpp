// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/seccomp.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist {

void load_syscall_filter(std::span<const sock_filter> program) {
    if (program.empty())
        return;
    if (program.size() > BPF_MAXINSNS)
        throw Failure{FailureKind::internal,
                      "the syscall filter has " + std::to_string(program.size()) + " instructions, too many to load"};
    // The kernel only reads them.
    const sock_fprog bytes{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bytes) == 0)
        return;
    Failure failure = system_failure("load the syscall filter");
    if (failure.error_number() == EACCES)
        failure.try_instead("keeping CAP_SYS_ADMIN until then, or --no-new-privileges=yes");
    throw failure;
}

} // namespace machinist
