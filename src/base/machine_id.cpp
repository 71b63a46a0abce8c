// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/machine_id.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <sys/random.h>

namespace machinist {

namespace {

int digit(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

} // namespace

std::optional<MachineId> MachineId::parse(std::string_view text) {
    std::string digits;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool dash_place = text.size() == 36 && (at == 8 || at == 13 || at == 18 || at == 23);
        if (dash_place != (text[at] == '-'))
            return std::nullopt;
        if (!dash_place)
            digits.push_back(text[at]);
    }
    if (digits.size() != 32 || std::ranges::any_of(digits, [](char byte) { return digit(byte) < 0; }))
        return std::nullopt;
    MachineId id;
    for (std::size_t at = 0; at < 16; ++at)
        id.bytes_[at] = static_cast<std::uint8_t>(digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]));
    return id == MachineId{} ? std::nullopt : std::optional{id};
}

MachineId MachineId::random() {
    MachineId id;
    if (::getrandom(id.bytes_.data(), id.bytes_.size(), 0) != static_cast<ssize_t>(id.bytes_.size()))
        throw system_failure("get random bytes for a machine id");
    id.bytes_[6] = static_cast<std::uint8_t>((id.bytes_[6] & 0x0F) | 0x40);
    id.bytes_[8] = static_cast<std::uint8_t>((id.bytes_[8] & 0x3F) | 0x80);
    return id;
}

std::string MachineId::plain() const {
    std::string text;
    for (const std::uint8_t byte : bytes_) {
        text.push_back("0123456789abcdef"[byte >> 4]);
        text.push_back("0123456789abcdef"[byte & 15]);
    }
    return text;
}

std::string MachineId::with_dashes() const {
    std::string text = plain();
    for (const std::size_t at : {20U, 16U, 12U, 8U})
        text.insert(at, "-");
    return text;
}

} // namespace machinist
