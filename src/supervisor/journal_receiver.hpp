// SPDX-License-Identifier: LGPL-2.1-or-later
// --forward-journal: systemd-journal-remote(8) receives the machine's journal at a socket that both see, and writes it
// down: a child of whoever keeps the machine.
#pragma once

#include "spec/problem.hpp"
#include "supervisor/start_context.hpp"

#include <optional>

namespace machinist {

// Why nobody could receive it on this host.
std::optional<Problem> problem_of_journal_receiver();

// Of a machine whose journal stays inside, neither does anything. Throws Failure; returns when the machine can send.
void receive_journal(Start& start);
void end_journal_receiver(Start& start);

} // namespace machinist
