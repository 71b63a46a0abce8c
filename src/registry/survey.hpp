// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks into many machines at once: which operating system runs in them, and their addresses. A few processes share the
// work, so that one machine that never answers holds up nobody but itself.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace machinist {

struct SurveyTarget {
    pid_t leader = 0;
    std::uint64_t pidfd_inode = 0; // 0: not known
};

struct SurveyWish {
    bool system = true;
    bool addresses = true;
};

// All of it as the machine says it, or nothing.
struct SurveyFinding {
    pid_t leader = 0;
    std::string system;  // os-release's ID
    std::string version; // ... VERSION_ID
    std::string title;   // ... PRETTY_NAME
    std::vector<std::string> addresses;
    bool has_own_network = false;
};

// One message for each machine that something is known of, in no order. For a process that does nothing else and is
// root: it joins networks, and is left with children that a hostile machine holds. Throws Failure.
void survey(const std::vector<SurveyTarget>& targets, const SurveyWish& wish, BorrowedFd reply);

// How a finding travels. Nothing for what is none.
std::string finding_message(const SurveyFinding& finding);
std::optional<SurveyFinding> read_finding_message(std::string_view bytes);

// "1234:567": how the program is told of a machine.
std::string target_word(const SurveyTarget& target);
std::optional<SurveyTarget> read_target_word(std::string_view word);

} // namespace machinist
