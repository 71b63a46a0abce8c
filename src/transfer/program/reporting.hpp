// SPDX-License-Identifier: LGPL-2.1-or-later
// How a transfer is followed: by a person at a terminal, by a log, by a program, or by whoever keeps jobs.
#pragma once

#include "base/failure.hpp"
#include "spec/transfer_progress.hpp"
#include "transfer/program/order.hpp"

#include <chrono>
#include <string>

namespace machinist {

class Reporting {
public:
    explicit Reporting(const TransferOrder& order);

    void tell(const TransferProgress& progress);
    // By syslog's priority.
    void say(int priority, const std::string& sentence);
    // The last word; failure: nullptr if there was none.
    void finish(const std::string& what, const Failure* failure);

private:
    void clear_bar();

    const TransferOrder& order_;
    bool on_terminal_ = false;
    bool bar_shown_ = false;
    std::string stage_;
    std::chrono::steady_clock::time_point told_;
};

} // namespace machinist
