// SPDX-License-Identifier: LGPL-2.1-or-later
// What a blob is known by: "sha256:" and 64 hexadecimal digits. Valid by construction, so it can be a part of a path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist::oci {

class Digest {
public:
    // Only this algorithm: others are hardly used, and none of them better.
    static std::optional<Digest> parse(std::string_view text);

    [[nodiscard]] std::string text() const {
        return "sha256:" + digits_;
    }
    [[nodiscard]] const std::string& digits() const {
        return digits_;
    }
    friend bool operator==(const Digest&, const Digest&) = default;

private:
    explicit Digest(std::string_view digits) : digits_(digits) {}
    std::string digits_;
};

} // namespace machinist::oci
