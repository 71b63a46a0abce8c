// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/job_process.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

[[noreturn]] void execute_in_child(const PreparedEntry& prepared, const CallersStreams& streams) {
    try {
        take_streams(streams);
        prepared.execute();
    } catch (const Failure&) {
        // The empty result says it.
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace

Pidfd start_job_process(const Machine& machine, const Entry& entry, CallersStreams streams,
                        const std::filesystem::path& result, const Places& places) {
    UniqueFd file = open_path(result, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    const PreparedEntry prepared = prepare_entry(machine, entry, places, std::move(file));
    Pidfd process = fork_held();
    if (!process)
        execute_in_child(prepared, streams);
    return process;
}

} // namespace machinist
