// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/rpm_header.hpp"

#include <cstdint>

namespace machinist {

namespace {

enum Tag : std::uint32_t { name = 1000, version = 1001, release = 1002, epoch = 1003, architecture = 1022 };
enum Type : std::uint32_t { number32 = 4, text = 6 };

constexpr std::size_t size_of_entry = 16;
constexpr std::size_t longest = 256;

std::optional<std::uint32_t> number_at(std::string_view bytes, std::size_t at) {
    if (at > bytes.size() || bytes.size() - at < 4)
        return std::nullopt;
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(at, 4))
        value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
}

std::string text_at(std::string_view store, std::uint32_t at) {
    if (at >= store.size())
        return {};
    const std::string_view rest = store.substr(at, longest);
    const std::size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string{} : std::string{rest.substr(0, end)};
}

} // namespace

std::optional<RpmPackage> read_rpm_header(std::string_view bytes) {
    const auto entries = number_at(bytes, 0);
    if (!entries || *entries > (bytes.size() - 4) / size_of_entry)
        return std::nullopt;
    const std::size_t index = 8;
    if (index + *entries * size_of_entry > bytes.size())
        return std::nullopt;
    const std::string_view store = bytes.substr(index + *entries * size_of_entry);
    std::string values[3];
    std::string machine;
    std::string age;
    for (std::size_t at = index; at < index + *entries * size_of_entry; at += size_of_entry) {
        const std::uint32_t tag = number_at(bytes, at).value_or(0);
        const std::uint32_t type = number_at(bytes, at + 4).value_or(0);
        const std::uint32_t offset = number_at(bytes, at + 8).value_or(0);
        if (type == Type::text && tag >= Tag::name && tag <= Tag::release)
            values[tag - Tag::name] = text_at(store, offset);
        else if (type == Type::text && tag == Tag::architecture)
            machine = text_at(store, offset);
        else if (type == Type::number32 && tag == Tag::epoch)
            if (const auto value = number_at(store, offset))
                age = std::to_string(*value) + ":";
    }
    if (values[0].empty() || values[1].empty())
        return std::nullopt;
    return RpmPackage{values[0] + (machine.empty() ? "" : ":") + machine,
                      age + values[1] + (values[2].empty() ? "" : "-") + values[2]};
}

} // namespace machinist
