// SPDX-License-Identifier: LGPL-2.1-or-later
// io.systemd.Resolve.Hook: tells systemd-resolved which host names are those of machines, and their addresses.
#pragma once

#include "daemon/varlink_service.hpp"

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace machinist {

class NameHook {
public:
    NameHook(VarlinkService& varlink, Service& service);
    NameHook(const NameHook&) = delete;
    NameHook& operator=(const NameHook&) = delete;

    // Who is told when the names change.
    [[nodiscard]] std::size_t listeners() const {
        return listeners_.size();
    }

private:
    void tell_names(const varlink::Call& call, varlink::Parameters& parameters);
    void changed();
    [[nodiscard]] nlohmann::json filter() const;

    Service& service_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, varlink::Call> listeners_;
    EventSource soon_;
};

} // namespace machinist
