// SPDX-License-Identifier: LGPL-2.1-or-later
// The command itself: its environment, where its program is found, its exec.
#pragma once

#include "base/failure.hpp"
#include "enter/order.hpp"
#include "spec/account.hpp"

#include <linux/filter.h>
#include <string>
#include <vector>

namespace machinist::enter {

// The exec was refused: status tells a program that is missing from one that cannot run.
struct NotExecuted {
    Failure failure;
    int status;
};

// Nothing of the caller's environment; what the order sets wins.
std::vector<std::string> command_environment(const Order& order, const Account& account);

// Replaces the process. Throws NotExecuted.
void execute_command(const Order& order, const Account& account);

// A whole number of instructions. Throws Failure.
std::vector<sock_filter> read_filter(BorrowedFd file);

} // namespace machinist::enter
