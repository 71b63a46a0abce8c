// SPDX-License-Identifier: LGPL-2.1-or-later
// What is in machines, asked of a service that has to be asked about each of them.
#pragma once

#include "cli/control/machine_report.hpp"
#include "cli/control/service_client.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// Nothing if nobody keeps a list of machines. What the caller may not know is empty.
std::optional<std::vector<MachineRow>> survey_plainly(ServiceClient& client, const SurveyWish& wish);
SurveyFinding survey_plainly(ServiceClient& client, const std::string& machine);

} // namespace machinist
