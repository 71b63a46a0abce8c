// SPDX-License-Identifier: LGPL-2.1-or-later
// Verbs on machines that the program of the command line does beside us: it looks into the machine for the way that its
// init takes, or waits.
#pragma once

#include "daemon/service.hpp"
#include "kernel/pidfd.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace machinist {

class OwnVerbs {
public:
    explicit OwnVerbs(Service& service) : service_(service) {}

    // verb: of the command line. Answers the call, later. Throws Failure.
    void ask(const Call& call, const std::string& machine, const char* verb);

private:
    struct Asking {
        Call call;
        std::string machine;
        UniqueFd errors;
        Pidfd process;
        EventSource ended = {};
        EventSource too_late = {};
    };
    void asked(std::uint64_t number);

    Service& service_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Asking> running_;
};

} // namespace machinist
