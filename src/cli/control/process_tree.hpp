// SPDX-License-Identifier: LGPL-2.1-or-later
// The processes of a machine as a tree of its groups, for people.
#pragma once

#include "registry/machine.hpp"

#include <string>

namespace machinist {

// Each line behind margin; full: command lines are not cut. "" if the machine has no group of its own, or does not let
// itself be looked at in time.
std::string process_tree(const Machine& machine, const std::string& margin, bool full = false);

} // namespace machinist
