// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the passphrases of encrypted disk images come from.
#pragma once

#include "image/disk_keys.hpp"
#include "spec/resolve.hpp"

namespace machinist {

// In this order: the credential dissect.passphrase of the request, that of this program's unit; then, if may_ask, three
// times the terminal that it was started on, or whoever answers for systemd where there is none.
DiskKeys::Ask passphrases(const Settings& settings, const LoadedCredentials& loaded, const HostFacts& host,
                          bool may_ask);

} // namespace machinist
