// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/journal.hpp"

#include "base/failure.hpp"
#include "kernel/process.hpp"

#include <unistd.h>

namespace machinist {

std::string journal_of(const MachineRecord& record, const Invocation& call) {
    if (call.lines == 0 || record.scope.empty() || ::access("/run/systemd/journal", F_OK) != 0)
        return {};
    constexpr std::uint64_t second = 1'000'000;
    // The times are only those of this machine: the unit may have had others of the name.
    std::vector<std::string> words{"journalctl",
                                   "--quiet",
                                   "--no-pager",
                                   "--boot",
                                   "--unit=" + record.scope,
                                   "--since=@" + std::to_string(record.realtime / second),
                                   "--lines=" + std::to_string(call.lines),
                                   "--output=" + (call.journal_output.empty() ? "short" : call.journal_output)};
    if (call.full)
        words.emplace_back("--full");
    try {
        const ProgramResult result = run_program(words);
        return result.status != 0 || result.output.empty() ? "" : "\n" + result.output;
    } catch (const Failure&) {
        return {};
    }
}

} // namespace machinist
