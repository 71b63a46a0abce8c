// SPDX-License-Identifier: LGPL-2.1-or-later
// One sentence on stderr: what was attempted, on which object, and why it did not work.
#pragma once

#include <string_view>

namespace machinist::keeper {

void complain(std::string_view what, std::string_view object = {}, int error_number = 0);
void say(std::string_view sentence);

} // namespace machinist::keeper
