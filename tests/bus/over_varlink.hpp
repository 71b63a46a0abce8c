// SPDX-License-Identifier: LGPL-2.1-or-later
// The service, asked over Varlink.
#pragma once

#include "service.hpp"
#include "varlink_client.hpp"

#include <filesystem>
#include <string>
#include <unistd.h>

namespace machinist::testing {

class OverVarlink : public AService {
protected:
    [[nodiscard]] std::filesystem::path socket_path() const {
        return bus.directory() / "run/systemd/machine/io.systemd.Machine";
    }
    VarlinkClient connect_to(const std::filesystem::path& socket) {
        return VarlinkClient{socket, [this](const auto& condition) { return until(condition, 5'000); }};
    }
    VarlinkClient connect() {
        return connect_to(socket_path());
    }
    VarlinkClient connect_as_somebody() {
        (void)!::seteuid(somebody);
        auto client = connect();
        (void)!::seteuid(0);
        return client;
    }
    static std::string error_of(const nlohmann::json& answer) {
        return answer.is_object() ? answer.value("error", "") : "no answer";
    }

    Leader leader;
};

} // namespace machinist::testing
