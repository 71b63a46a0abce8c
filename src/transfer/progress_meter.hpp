// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes figures for people of bytes that are counted: how fast, how long yet. Tells a few times a second.
#pragma once

#include "spec/transfer_progress.hpp"
#include "transfer/cancellation.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <utility>

namespace machinist {

class ProgressMeter {
public:
    using Tell = std::function<void(const TransferProgress&)>;
    using Say = std::function<void(int priority, const std::string& sentence)>;

    ProgressMeter(const Cancellation& cancellation, Tell tell, Say say)
        : cancellation_(cancellation), tell_(std::move(tell)), say_(std::move(say)) {}

    void begin(std::string stage, std::optional<std::uint64_t> total = {});
    // bytes of this stage so far. Throws what Cancellation::check() throws.
    void tick(std::uint64_t bytes);
    void end();
    void learn_total(std::uint64_t total) {
        now_.total = total;
    }

    // What another meter has worked out, in another process.
    void pass_on(const TransferProgress& progress);

    // For people: syslog's priorities, 4 for a warning, 6 for what is worth knowing.
    void say(int priority, const std::string& sentence) const {
        say_(priority, sentence);
    }
    [[nodiscard]] const Cancellation& cancellation() const {
        return cancellation_;
    }

private:
    using Clock = std::chrono::steady_clock;
    void compute(Clock::time_point at, std::uint64_t bytes);

    const Cancellation& cancellation_;
    Tell tell_;
    Say say_;
    TransferProgress now_;
    Clock::time_point told_;
    std::deque<std::pair<Clock::time_point, std::uint64_t>> samples_; // of the last seconds
};

} // namespace machinist
