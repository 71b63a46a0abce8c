// SPDX-License-Identifier: LGPL-2.1-or-later
// One connection of a caller over Varlink.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace machinist::testing {

class VarlinkClient {
public:
    // until: turns the loop until it is so.
    using Until = std::function<bool(const std::function<bool()>& condition)>;

    VarlinkClient(const std::filesystem::path& socket, Until until);

    void send(const std::string& bytes);
    void send(const nlohmann::json& message);
    // Nothing but null if the connection ended.
    nlohmann::json receive();
    nlohmann::json call(const std::string& method, const nlohmann::json& parameters = nlohmann::json::object());
    // All answers.
    std::vector<nlohmann::json> call_more(const std::string& method,
                                          const nlohmann::json& parameters = nlohmann::json::object());
    [[nodiscard]] bool connected() const {
        return static_cast<bool>(socket_);
    }
    bool is_ended();

    std::vector<UniqueFd> descriptors;

private:
    bool take();

    UniqueFd socket_;
    Until until_;
    std::string incoming_;
    bool ended_ = false;
};

} // namespace machinist::testing
