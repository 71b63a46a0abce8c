// SPDX-License-Identifier: LGPL-2.1-or-later
// Decides whether a caller may. The answer may take as long as a person takes to find a password.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace machinist {

struct Question {
    std::string action; // "org.freedesktop.machine1.manage-machines"
    // What a rule or the person at the screen may want to know: machine, verb, user, program.
    std::vector<std::pair<std::string, std::string>> details;
    std::optional<uid_t> owner; // may without being asked
};

struct Asker {
    std::string bus_name; // empty: it came over a socket of ours
    uid_t uid = UINT32_MAX;
    pid_t pid = 0; // without a bus name, with the time of its start: then the number means no other
    std::uint64_t start_time = 0;
    bool may_be_asked = false;
};

class Authority {
public:
    using OnDecision = std::function<void(bool allowed)>;

    Authority() = default;
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;
    virtual ~Authority() = default;

    // Decides at once where it can. Who leaves the bus withdraws the question: it is decided against them. The number
    // of a question that waits is for withdraw().
    virtual std::uint64_t decide(const Asker& asker, const Question& question, OnDecision on_decision) = 0;
    // For callers who are not on the bus. One that is decided already is no question any more.
    virtual void withdraw(std::uint64_t number) = 0;
};

} // namespace machinist
