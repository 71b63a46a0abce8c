// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/json_text.hpp"

#include <nlohmann/json.hpp>

namespace machinist {

std::string json_string(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace machinist
