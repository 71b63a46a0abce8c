// SPDX-License-Identifier: LGPL-2.1-or-later
// What a look into a machine tells, however it was asked for.
#pragma once

#include "daemon/service.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace machinist {

using MachineAddress = std::tuple<std::int32_t, std::vector<std::uint8_t>>; // family, bytes

// One of the two is there. Throws Failure(no_machine), and what errands throw.
using OnAddresses = std::function<void(const std::vector<MachineAddress>* found, const Failure* failure)>;
void find_addresses(Service& service, const std::string& machine, const OnAddresses& done);
using OnFields = std::function<void(const std::map<std::string, std::string>* fields, const Failure* failure)>;
void find_os_release(Service& service, const std::string& machine, const OnFields& done);

} // namespace machinist
