// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/progress_meter.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::chrono::milliseconds interval{200};
constexpr std::chrono::seconds remembered{5};

} // namespace

void ProgressMeter::begin(std::string stage, std::optional<std::uint64_t> total) {
    cancellation_.check();
    now_ = {.stage = std::move(stage), .bytes = 0, .total = total, .rate = 0, .left = {}};
    samples_.clear();
    told_ = Clock::now();
    samples_.emplace_back(told_, 0);
    tell_(now_);
}

void ProgressMeter::compute(Clock::time_point at, std::uint64_t bytes) {
    samples_.emplace_back(at, bytes);
    while (samples_.size() > 2 && at - samples_.front().first > remembered)
        samples_.pop_front();
    const auto& [since, before] = samples_.front();
    const std::chrono::duration<double> time = at - since;
    now_.bytes = bytes;
    now_.rate = time.count() > 0 && bytes > before
                    ? static_cast<std::uint64_t>(static_cast<double>(bytes - before) / time.count())
                    : 0;
    now_.left.reset();
    if (now_.total && now_.rate > 0 && *now_.total >= bytes)
        now_.left =
            static_cast<std::uint64_t>(static_cast<double>(*now_.total - bytes) / static_cast<double>(now_.rate) * 1e6);
}

void ProgressMeter::tick(std::uint64_t bytes) {
    const auto at = Clock::now();
    if (at - told_ < interval)
        return;
    cancellation_.check();
    told_ = at;
    compute(at, bytes);
    tell_(now_);
}

void ProgressMeter::pass_on(const TransferProgress& progress) {
    cancellation_.check();
    now_ = progress;
    tell_(now_);
}

void ProgressMeter::end() {
    cancellation_.check();
    compute(Clock::now(), now_.total ? std::max(*now_.total, now_.bytes) : now_.bytes);
    now_.left = 0;
    tell_(now_);
}

} // namespace machinist
