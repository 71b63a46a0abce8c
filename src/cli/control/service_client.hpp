// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs of callers who may not do them themselves, asked of the service on the system bus, which asks polkit.
#pragma once

#include "bus/session_units.hpp"
#include "registry/places.hpp"
#include "spec/errand.hpp"

#include <functional>
#include <string>

namespace machinist {

// copy_to, copy_from, bind and unbind. Throws Failure.
void ask_service(const std::string& machine, const Errand& errand);

// A shell, or nothing for a login prompt, with this terminal connected to it until it ends. Also of ".host".
void open_session_by_service(const std::string& machine, const std::optional<ShellUnit>& shell, bool quiet,
                             const std::function<void()>& announce, const Places& places);

} // namespace machinist
