// SPDX-License-Identifier: LGPL-2.1-or-later
// What most files include of the standard library, parsed once per library: half of the time of a build otherwise.
// No file may count on it: a build may do without (b_pch=false).
// Not "pragma once": the compiler reads this file as its main one.
#ifndef MACHINIST_PRECOMPILED_STANDARD
#define MACHINIST_PRECOMPILED_STANDARD

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#endif
