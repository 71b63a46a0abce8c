// SPDX-License-Identifier: LGPL-2.1-or-later
// Somebody who follows a transfer and remembers what was told.
#pragma once

#include "transfer/progress_meter.hpp"

#include <string>
#include <vector>

namespace machinist::testing {

struct Watching {
    Cancellation cancellation;
    std::vector<std::string> stages;
    std::vector<std::string> said;
    TransferProgress last;
    ProgressMeter meter{cancellation,
                        [this](const TransferProgress& progress) {
                            if (stages.empty() || stages.back() != progress.stage)
                                stages.push_back(progress.stage);
                            last = progress;
                        },
                        [this](int, const std::string& sentence) { said.push_back(sentence); }};
};

} // namespace machinist::testing
