// SPDX-License-Identifier: LGPL-2.1-or-later
// The process 1 of a machine that runs a plain command as process 2: it reaps, and understands being powered off.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace machinist {

// As systemd-nspawn's: how long the command has after SIGTERM and SIGHUP.
inline constexpr std::chrono::milliseconds stub_init_patience{90'000};

// Called in process 1; returns only in its child, which is in a session of its own, with the signal mask it had, and
// goes on to execute the command. Process 1 becomes "(sd-stubinit)" with this environment ("NAME=VALUE") and no
// descriptors; it ends with the command's exit status (255 if a signal killed it), or by reboot(2) if one of the
// signals of systemd's interface asked for that. Throws Failure if there is no child.
void continue_below_stub_init(const std::vector<std::string>& environment,
                              std::chrono::milliseconds patience = stub_init_patience);

} // namespace machinist
