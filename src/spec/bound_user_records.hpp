// SPDX-License-Identifier: LGPL-2.1-or-later
// Users of the host as the machine's nss-systemd reads them: JSON user records in files of /run/host/userdb.
#pragma once

#include "spec/machine_spec.hpp"

#include <string>
#include <vector>

namespace machinist {

struct RecordFile {
    std::string name; // "web.user"
    std::string text; // of a link: its target
    bool is_secret = false;
    bool is_link = false;
    friend bool operator==(const RecordFile&, const RecordFile&) = default;
};

// "/run/host/home/NAME"
Path home_in_machine(const BoundUser& user);

std::vector<RecordFile> records_of(const BoundUser& user);

} // namespace machinist
