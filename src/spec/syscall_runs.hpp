// SPDX-License-Identifier: LGPL-2.1-or-later
// From names to numbers: which block answers which numbers of an ABI.
#pragma once

#include "spec/syscall_program.hpp"
#include "spec/syscall_table.hpp"

#include <span>

namespace machinist {

// blocks: one for each name of the table. unknown: for numbers that no name has.
AbiRuns runs_of(const syscall_data::Abi& abi, std::span<const std::uint16_t> blocks, std::uint16_t unknown);

} // namespace machinist
