// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/filesystem_ids.hpp"

#include "base/failure.hpp"

#include <linux/securebits.h>
#include <string>
#include <sys/fsuid.h>
#include <sys/prctl.h>

namespace machinist {

FilesystemIds::FilesystemIds(std::uint32_t uid, std::uint32_t gid)
    : secure_bits_(::prctl(PR_GET_SECUREBITS)),
      uid_before_(static_cast<std::uint32_t>(::setfsuid(static_cast<uid_t>(-1)))),
      gid_before_(static_cast<std::uint32_t>(::setfsgid(static_cast<gid_t>(-1)))) {
    // Without this, leaving filesystem user 0 takes CAP_DAC_OVERRIDE, CAP_MKNOD & co. away (capabilities(7)).
    if (secure_bits_ < 0 || ::prctl(PR_SET_SECUREBITS, secure_bits_ | SECBIT_NO_SETUID_FIXUP) < 0)
        throw system_failure("keep capabilities while making files as another user");
    ::setfsgid(gid);
    ::setfsuid(uid);
    // setfsuid(2) tells no errors; asking with -1 changes nothing and returns the current one.
    if (::setfsuid(static_cast<uid_t>(-1)) != static_cast<int>(uid))
        throw Failure{FailureKind::not_permitted, "make files as user " + std::to_string(uid)};
}

FilesystemIds::~FilesystemIds() {
    ::setfsuid(uid_before_);
    ::setfsgid(gid_before_);
    ::prctl(PR_SET_SECUREBITS, secure_bits_);
}

} // namespace machinist
