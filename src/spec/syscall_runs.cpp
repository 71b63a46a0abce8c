// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/syscall_runs.hpp"

namespace machinist {

AbiRuns runs_of(const syscall_data::Abi& abi, std::span<const std::uint16_t> blocks, std::uint16_t unknown) {
    AbiRuns result{abi.audit_architecture, {}};
    result.runs.reserve(256);
    std::uint32_t next = 0;
    const auto extend = [&](std::uint32_t first, std::uint16_t block) {
        if (result.runs.empty() || result.runs.back().block != block)
            result.runs.push_back({first, block});
    };
    for (const auto& [number, id] : abi.calls) {
        if (number != next)
            extend(next, unknown);
        extend(number, blocks[id]);
        next = number + 1;
    }
    extend(next, unknown);
    return result;
}

} // namespace machinist
