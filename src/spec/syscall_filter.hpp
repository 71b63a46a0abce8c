// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's syscall filter: from the spec to one classic BPF program for the native ABI and its 32-bit sister.
#pragma once

#include "spec/machine_spec.hpp"

#include <linux/filter.h>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// The word of the allow list that opens new user namespaces under the strict profile: clone and unshare with
// CLONE_NEWUSER, and clone3, whose flags a filter cannot see.
inline constexpr std::string_view nesting_word = "nesting";

// Behind a name of the deny list: as if the kernel had no such call, on which C libraries fall back.
inline constexpr std::string_view hiding_suffix = ":ENOSYS";

// Pure and quick (tens of microseconds): the tables were made when the project was built. Calls that are allowed
// pass; known ones that are not give EPERM; unknown numbers, x32 and foreign architectures give ENOSYS, on which C
// libraries fall back. Names that do not exist on an ABI are skipped there; see unknown_syscalls().
//
// Under spec.strict some calls are withheld (ENOSYS) or restricted by their arguments. A withheld call is opened by
// its name or a group that holds it in spec.allow; a restricted one only by its own name ("socket", "ioctl",
// "socketcall", "clone", ...) or nesting_word. spec.deny wins over all of it.
//
// private_network: packet sockets see only the machine's own network, so strict leaves them open.
std::vector<sock_filter> build_syscall_filter(const SyscallFilterSpec& spec, const CapabilitySpec& capabilities,
                                              bool private_network);

// Of all ABIs; views of static text.
std::vector<std::string_view> every_syscall_name();

// Those of the names that are no system call on any ABI of ours, no @group and no word of this filter; in their order.
std::vector<std::string> unknown_syscalls(const std::vector<std::string>& names);

} // namespace machinist
