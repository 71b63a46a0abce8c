// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel's switches that make the host forward packets: turned on while a machine needs it, and back again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

class ForwardingSwitches {
public:
    // record: a file that says what they were before we changed them, also to whoever comes after us.
    explicit ForwardingSwitches(std::filesystem::path record) : record_(std::move(record)) {}

    void turn_on();
    // As they were; unless others translate addresses now, who may have found them on.
    void turn_back(bool others_rely_on_them);

private:
    void change(const std::string& name, const std::string& value);
    std::filesystem::path record_;
};

// Connections from 127.0.0.1 of the host may leave by that interface; the switch goes with it.
void accept_loopback_addresses(const std::string& link);

} // namespace machinist
