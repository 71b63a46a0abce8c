// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a process is: its unit, its group, its parent. For processes that are held, or whose number is all there is.
#pragma once

#include "bus/unit_names.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>

namespace machinist {

// Nothing in it for a process that is gone, or on a host without units.
UnitPlace place_of_process(pid_t process);

// 0 if it is gone.
pid_t parent_of(pid_t process);

// The directory of unit's sub-group, if the process is in it or below it.
std::optional<std::filesystem::path> group_of_process(pid_t process, const std::string& unit,
                                                      const std::string& subgroup);

} // namespace machinist
