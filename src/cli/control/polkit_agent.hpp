// SPDX-License-Identifier: LGPL-2.1-or-later
// The program that asks the person at this terminal for a password when polkit wants one.
#pragma once

#include "kernel/pidfd.hpp"

#include <memory>
#include <utility>

namespace machinist {

class PolkitAgent {
public:
    // Ready when this returns. Nothing for root, who is never asked, without a terminal to ask on, and where polkit's
    // program is not installed.
    static std::unique_ptr<PolkitAgent> start_on_terminal();

    PolkitAgent(const PolkitAgent&) = delete;
    PolkitAgent& operator=(const PolkitAgent&) = delete;
    // Ends it. It also ends when this process does.
    ~PolkitAgent();

private:
    explicit PolkitAgent(Pidfd process) : process_(std::move(process)) {}
    Pidfd process_;
};

} // namespace machinist
