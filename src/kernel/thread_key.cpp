// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/thread_key.hpp"

#include "base/failure.hpp"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist {

ThreadKey::ThreadKey(std::string description, std::string_view bytes) : description_(std::move(description)) {
    number_ = ::syscall(SYS_add_key, "user", description_.c_str(), bytes.data(), bytes.size(), KEY_SPEC_THREAD_KEYRING);
    if (number_ < 0)
        throw system_failure("give the kernel the key '" + description_ + "'");
}

ThreadKey::~ThreadKey() {
    ::syscall(SYS_keyctl, KEYCTL_UNLINK, number_, KEY_SPEC_THREAD_KEYRING);
}

} // namespace machinist
