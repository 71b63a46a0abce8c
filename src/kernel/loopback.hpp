// SPDX-License-Identifier: LGPL-2.1-or-later
// The loopback interface of the current network namespace.
#pragma once

namespace machinist {

void bring_loopback_up();

} // namespace machinist
