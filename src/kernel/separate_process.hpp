// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds something out in a process of its own that can be killed: a machine can make every look at its files wait for
// ever, and joining its namespaces cannot be taken back.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace machinist {

// question runs in a copy of the calling process, which must have one thread only. Its answer has at most limit bytes.
// Nothing if it throws, or does not end within patience.
std::optional<std::string> find_out_apart(const std::function<std::string()>& question,
                                          std::chrono::milliseconds patience, std::size_t limit = 262144);

} // namespace machinist
