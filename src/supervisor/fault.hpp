// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a named stage fail, in test builds only: FAULT_AT=STAGE:kill|ERRNO-NAME in the environment.
#pragma once

#include <string_view>

namespace machinist {

// side is "parent" or "child": FAULT_AT="child mount the payload's side:kill". Does nothing in other builds.
void fail_here_if_asked(std::string_view side, std::string_view stage);

} // namespace machinist
