// SPDX-License-Identifier: LGPL-2.1-or-later
// The 128-bit id of a machine, as in machine-id(5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

class MachineId {
public:
    // 32 hexadecimal digits, or the 36 characters of a UUID; all zero is no id.
    static std::optional<MachineId> parse(std::string_view text);
    // A random id (UUID version 4). Throws Failure if the kernel gives no random bytes.
    static MachineId random();

    [[nodiscard]] std::string plain() const;       // 32 lower-case digits
    [[nodiscard]] std::string with_dashes() const; // as a UUID
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const {
        return bytes_;
    }
    friend bool operator==(const MachineId&, const MachineId&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
};

} // namespace machinist
