// SPDX-License-Identifier: LGPL-2.1-or-later
// The top-level entries that a machine cannot start without, made where the image has none.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

// /root, /usr, /var, /etc, /proc, /sys, /dev, /run, and the links /bin, /sbin, /lib and the loader's /lib64 & co. where
// /usr has what they lead to. They belong to the caller's filesystem ids: call it as the machine's root.
// A read-only root is left as it is.
void make_base_directories(BorrowedFd root);

} // namespace machinist
