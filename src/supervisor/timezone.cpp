// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's /etc/localtime, from the host's (Container Interface L1).
#include "supervisor/host_integration.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "supervisor/etc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* name = "localtime";
constexpr const char* host_file = "/etc/localtime";

bool is_link_to(BorrowedFd etc, const std::string& target) {
    std::string found(target.size() + 1, '\0');
    const ssize_t length = ::readlinkat(etc.get(), name, found.data(), found.size());
    return length == static_cast<ssize_t>(target.size()) && found.starts_with(target);
}

} // namespace

void set_up_timezone(const MachineSpec& spec, BorrowedFd root) {
    const TimezoneMode mode = spec.integration.timezone;
    if (mode == TimezoneMode::off)
        return;
    const UniqueFd etc = open_etc(root);
    switch (mode) {
    case TimezoneMode::remove: return remove_etc_entry(etc, name);
    case TimezoneMode::copy: return put_etc_file(etc, name, read_file(host_file));
    case TimezoneMode::bind: return bind_host_file(etc, name, host_file);
    case TimezoneMode::symlink: {
        // Relative, so that it means the same seen from the host.
        const std::string target = "../usr/share/zoneinfo/" + spec.integration.timezone_name;
        if (!is_link_to(etc, target))
            put_etc_link(etc, name, target);
        return;
    }
    case TimezoneMode::off: return;
    }
}

} // namespace machinist
