// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's /run/host: what the host tells it (Container Interface C).
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <cstdint>

namespace machinist {

struct HostInterfaceMount {
    UniqueFd mount;         // detached; still writable for us through notify
    UniqueFd notify_socket; // bound to notify in it; tells the sender's credentials
    UniqueFd kernel_log;    // both ends of the fifo proc-kmsg: readers wait instead of seeing an end
};

// Must be called with the machine's root as the filesystem user.
HostInterfaceMount make_host_interface(const MachineSpec& spec, std::uint64_t attributes);

// The ramfs with the credentials (Container Interface H1).
UniqueFd make_credentials(const MachineSpec& spec, std::uint64_t attributes);

} // namespace machinist
