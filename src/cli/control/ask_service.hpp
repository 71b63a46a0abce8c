// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs of callers who may not do them themselves, asked of the service on the bus, which asks polkit.
#pragma once

#include "bus/session_units.hpp"
#include "cli/control/invocation.hpp"
#include "registry/places.hpp"
#include "spec/errand.hpp"
#include "spec/orderly_end.hpp"

#include <functional>
#include <optional>
#include <string>

namespace machinist {

// This process may not act by itself, or what is to be done is not on this host.
bool asks_service(const Invocation& call);

// copy_to, copy_from, bind and unbind. Throws Failure.
void ask_for_errand(const Invocation& call, const std::string& machine, const Errand& errand);

// whom: "leader", "supervisor" or "all". All machines are known before anything happens to one of them.
void ask_to_kill(const Invocation& call, const std::string& whom, int signal);
void ask_to_terminate(const Invocation& call);
// member: of machinist's own interface of machines, without arguments.
void ask_ours_to(const Invocation& call, const char* member);
// `poweroff` and `reboot`, also with --wait. The exit status.
int end_by_service(const Invocation& call, EndKind kind);

// A shell, or nothing for a login prompt, with this terminal connected to it until it ends. Also of ".host".
void open_session_by_service(const Invocation& call, const std::string& machine, const std::optional<ShellUnit>& shell,
                             const std::function<void()>& announce, const Places& places);

} // namespace machinist
