// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/capabilities.hpp"

#include "base/failure.hpp"

#include <array>
#include <linux/capability.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist {
namespace {

constexpr std::uint64_t bit(std::uint64_t capability) {
    return std::uint64_t{1} << capability;
}

using Halves = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// All but the ambient one, which has a call of its own for each bit.
CapabilitySets read_sets() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Halves halves{};
    if (::syscall(SYS_capget, &header, halves.data()) < 0)
        throw system_failure("read the capabilities");
    CapabilitySets sets;
    for (std::size_t half = 0; half < halves.size(); ++half) {
        sets.effective |= std::uint64_t{halves[half].effective} << (32 * half);
        sets.permitted |= std::uint64_t{halves[half].permitted} << (32 * half);
        sets.inheritable |= std::uint64_t{halves[half].inheritable} << (32 * half);
    }
    return sets;
}

void write_sets(const CapabilitySets& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Halves halves{};
    for (std::size_t half = 0; half < halves.size(); ++half) {
        halves[half].effective = static_cast<std::uint32_t>(sets.effective >> (32 * half));
        halves[half].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * half));
        halves[half].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * half));
    }
    if (::syscall(SYS_capset, &header, halves.data()) < 0)
        throw system_failure("set the capabilities");
}

// How many capabilities there are does not change while the kernel runs.
std::uint64_t probe_last_capability() {
    // Valid numbers are contiguous: the last is found in six questions.
    std::uint64_t known = 0;
    std::uint64_t unknown = 64;
    while (unknown - known > 1) {
        const std::uint64_t middle = (known + unknown) / 2;
        (::prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0 ? known : unknown) = middle;
    }
    return known;
}

void set_ambient(std::uint64_t wanted) {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        throw system_failure("clear the ambient capabilities");
    for (std::uint64_t capability = 0; capability <= last_capability(); ++capability)
        if ((wanted & bit(capability)) != 0 && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            throw system_failure("raise the ambient capability " + std::to_string(capability));
}

} // namespace

std::uint64_t last_capability() {
    static const std::uint64_t last = probe_last_capability();
    return last;
}

std::uint64_t all_capabilities() {
    return last_capability() == 63 ? ~std::uint64_t{0} : bit(last_capability() + 1) - 1;
}

CapabilitySets current_capabilities() {
    CapabilitySets sets = read_sets();
    for (std::uint64_t capability = 0; capability <= last_capability(); ++capability)
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) > 0)
            sets.ambient |= bit(capability);
    return sets;
}

std::uint64_t current_bounding_capabilities() {
    std::uint64_t bounding = 0;
    for (std::uint64_t capability = 0; capability <= last_capability(); ++capability)
        if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) > 0)
            bounding |= bit(capability);
    return bounding;
}

CapabilitySets payload_capabilities(std::uint64_t retained, std::uint64_t ambient, bool as_root) {
    const std::uint64_t kept_ambient = ambient & retained;
    if (as_root)
        return {retained, retained, retained, kept_ambient};
    return {0, kept_ambient, kept_ambient, kept_ambient};
}

void limit_bounding_capabilities(std::uint64_t retained) {
    for (std::uint64_t capability = 0; capability <= last_capability(); ++capability)
        if ((retained & bit(capability)) == 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            throw system_failure("drop capability " + std::to_string(capability) + " from the bounding set");
}

void keep_capabilities_over_user_change() {
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        throw system_failure("keep the capabilities while the user changes");
}

std::uint64_t set_capabilities(const CapabilitySets& wanted) {
    const CapabilitySets held = read_sets();
    CapabilitySets granted{wanted.effective & held.permitted, wanted.permitted & held.permitted,
                           wanted.inheritable & (held.permitted | held.inheritable),
                           wanted.ambient & held.permitted & wanted.permitted};
    granted.effective &= granted.permitted;
    granted.inheritable |= granted.ambient;
    write_sets(granted);
    set_ambient(granted.ambient);
    return (wanted.effective | wanted.permitted | wanted.ambient) & ~held.permitted;
}

void set_no_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        throw system_failure("refuse new privileges");
}

} // namespace machinist
