// SPDX-License-Identifier: LGPL-2.1-or-later
// How these programs end: with their answer, or the failure in its place, on their standard output.
#pragma once

#include <functional>
#include <string>

namespace machinist::dissect {

// Exits with EXIT_SUCCESS after an answer, EXIT_FAILURE after a serialized Failure. Nothing else is done at the end:
// what libraries would do there may be a call that the sandbox refuses, and is of no use to anybody.
[[noreturn]] void tell_and_end(const std::function<std::string()>& answer);

} // namespace machinist::dissect
