// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/landlock.hpp"

#include "base/failure.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist::landlock {

namespace {

// The headers of our oldest host know the first two versions only.
constexpr std::uint64_t truncate_file = std::uint64_t{1} << 14;
constexpr std::uint64_t control_device = std::uint64_t{1} << 15;
constexpr std::uint64_t tcp = 3;    // bind and connect
constexpr std::uint64_t scopes = 3; // abstract sockets and signals of others
constexpr int first_with_links = 2; // from one directory to another
constexpr int first_with_truncate = 3;
constexpr int first_with_tcp = 4;
constexpr int first_with_devices = 5;
constexpr int first_with_scopes = 6;

struct Ruleset {
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

constexpr std::uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

std::uint64_t all_of(int version) {
    std::uint64_t rights = (std::uint64_t{LANDLOCK_ACCESS_FS_MAKE_SYM} << 1) - 1;
    if (version >= first_with_links)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= first_with_truncate)
        rights |= truncate_file;
    if (version >= first_with_devices)
        rights |= control_device;
    return rights;
}

UniqueFd make_ruleset(int version, const Ruleset& ruleset) {
    const std::size_t size = version < first_with_tcp      ? offsetof(Ruleset, network)
                             : version < first_with_scopes ? offsetof(Ruleset, scoped)
                                                           : sizeof ruleset;
    UniqueFd made{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruleset, size, 0))};
    if (!made)
        throw system_failure("make rules of Landlock");
    return made;
}

void enforce(BorrowedFd rules) {
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) < 0)
        throw system_failure("enforce rules of Landlock");
}

} // namespace

int version() {
    const long found = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return found < 0 ? 0 : static_cast<int>(found);
}

bool keep_to_directory(BorrowedFd directory) {
    const int known = version();
    if (known < first_with_links)
        return false;
    const std::uint64_t handled = all_of(known);
    const UniqueFd rules = make_ruleset(known, {handled, tcp, scopes});
    const landlock_path_beneath_attr rule{handled & ~(LANDLOCK_ACCESS_FS_EXECUTE | control_device), directory.get()};
    if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        throw system_failure("make a rule of Landlock");
    enforce(rules);
    return true;
}

bool change_no_files(bool may_execute) {
    const int known = version();
    if (known == 0)
        return false;
    const std::uint64_t left = reading | control_device | (may_execute ? LANDLOCK_ACCESS_FS_EXECUTE : 0);
    enforce(make_ruleset(known, {all_of(known) & ~left, 0, 0}));
    return true;
}

} // namespace machinist::landlock
