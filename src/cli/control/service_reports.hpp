// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service on the bus tells of machines. Nothing where nobody serves that; other failures are thrown.
#pragma once

#include "cli/control/machine_report.hpp"

#include <optional>
#include <vector>

namespace machinist {

std::optional<std::vector<MachineRow>> rows_by_service(const Invocation& call, const SurveyWish& wish);
std::optional<std::vector<MachineReport>> reports_by_service(const Invocation& call);
std::optional<MachineInside> inside_by_service(const Invocation& call, const std::string& machine);
std::optional<Properties> provider_by_service(const Invocation& call);

} // namespace machinist
