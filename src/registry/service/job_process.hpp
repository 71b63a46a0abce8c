// SPDX-License-Identifier: LGPL-2.1-or-later
// The process that runs a command in a machine for a job: of a session of its own, and in no need of who began it.
#pragma once

#include "kernel/pidfd.hpp"
#include "registry/entry.hpp"
#include "registry/service/taken_streams.hpp"

#include <filesystem>

namespace machinist {

// result: a file that is made, and written when the command has ended. Throws Failure.
Pidfd start_job_process(const Machine& machine, const Entry& entry, CallersStreams streams,
                        const std::filesystem::path& result, const Places& places);

} // namespace machinist
