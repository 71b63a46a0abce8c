// SPDX-License-Identifier: LGPL-2.1-or-later
// What the calling process passes on by exec: resource limits, OOM score, CPU affinity, personality.
#pragma once

#include <span>
#include <string_view>
#include <sys/resource.h>
#include <sys/types.h>

namespace machinist {

// process: 0 is the calling one; another one must be a child that waits.

// As close to wanted as the caller may get: without CAP_SYS_RESOURCE a hard limit cannot rise, so both are lowered to
// the one that holds now. Returns what was set.
rlimit set_closest_limit(int resource, rlimit wanted, pid_t process = 0);

// -1000..1000. Lowering it below what the caller started with needs CAP_SYS_RESOURCE: Failure(not_permitted).
void set_oom_score_adjustment(int score, pid_t process = 0);

// Numbers of CPUs; those that do not exist are ignored by the kernel as long as one does.
void set_cpu_affinity(std::span<const int> cpus, pid_t process = 0);

// "x86", "x86-64", "arm", "arm64": what uname(2) says. "" changes nothing. Failure(invalid) for another word, or for
// one that this machine's processor cannot run.
void set_personality(std::string_view architecture);

} // namespace machinist
