// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that nobody has yet, and that nobody can have something waiting at.
#pragma once

#include <string>

namespace machinist {

// 16 hexadecimal digits.
std::string random_suffix();

} // namespace machinist
