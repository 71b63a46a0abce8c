// SPDX-License-Identifier: LGPL-2.1-or-later
// The Authority that is polkit, over the bus. Root and owners are not asked about. Nobody waits for somebody else's
// question, and a question is withdrawn when its caller goes.
#pragma once

#include "bus/connection.hpp"
#include "registry/service/authority.hpp"

#include <cstdint>
#include <map>

namespace machinist {

class PolkitAuthority : public Authority {
public:
    explicit PolkitAuthority(Connection& bus) : bus_(bus) {}

    std::uint64_t decide(const Asker& asker, const Question& question, OnDecision on_decision) override;
    void withdraw(std::uint64_t number) override;

private:
    struct Pending {
        OnDecision on_decision;
        BusSlot call;
        BusSlot caller_watch;
    };
    void asked(std::uint64_t number, const Answer& answer);

    Connection& bus_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Pending> pending_;
};

} // namespace machinist
