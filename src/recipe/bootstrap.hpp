// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the program that makes a tree of packages, and hears what it says.
#pragma once

#include "recipe/cancellation.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// A line of what it says, or none for a while: then it is empty.
using OnLine = std::function<void(std::string_view line)>;

// epoch: for SOURCE_DATE_EPOCH. Throws Failure, with the end of what was said, if it ends otherwise than with 0; and
// if it was cancelled, when nothing of it runs any more.
void run_bootstrap(const std::vector<std::string>& command, const std::string& input,
                   const std::optional<std::int64_t>& epoch, Cancellation& cancellation, const OnLine& on_line);

} // namespace machinist
