// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the parameters of a call. Each read throws InvalidParameter for another type; null is the same as missing.
#pragma once

#include "varlink/varlink_call.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace machinist::varlink {

class Parameters {
public:
    // of: must outlive this.
    explicit Parameters(const nlohmann::json& of) : of_(of) {}

    [[nodiscard]] std::string text(const char* name);
    [[nodiscard]] std::optional<std::string> optional_text(const char* name);
    [[nodiscard]] std::optional<bool> optional_bool(const char* name);
    [[nodiscard]] std::optional<std::uint64_t> optional_number(const char* name);
    [[nodiscard]] std::optional<std::int64_t> optional_signed(const char* name);
    [[nodiscard]] std::optional<std::vector<std::string>> optional_texts(const char* name);
    [[nodiscard]] std::optional<std::vector<std::int32_t>> optional_numbers(const char* name);
    // One of words.
    [[nodiscard]] std::optional<std::string> optional_word(const char* name, const std::set<std::string>& words);
    // An object or array, or nullptr.
    [[nodiscard]] const nlohmann::json* object(const char* name);
    [[nodiscard]] const nlohmann::json* array(const char* name);

    // What was not asked for is none of the interface's. Throws InvalidParameter.
    void end() const;

private:
    const nlohmann::json* value(const char* name);

    const nlohmann::json& of_;
    std::set<std::string, std::less<>> read_;
};

} // namespace machinist::varlink
