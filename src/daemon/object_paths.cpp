// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/object_paths.hpp"

#include "base/text.hpp"

#include <cstdlib>
#include <memory>
#include <systemd/sd-bus.h>

namespace machinist {

namespace {

std::string encoded(const char* prefix, std::string_view name) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string path{prefix};
    path += '/';
    if (name.empty())
        path += '_';
    bool first = true;
    for (const char letter : name) {
        const bool is_digit = letter >= '0' && letter <= '9';
        if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (is_digit && !first)) {
            path += letter;
        } else {
            const auto byte = static_cast<unsigned char>(letter);
            path.append(1, '_').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
        }
        first = false;
    }
    return path;
}

std::optional<std::string> decoded(const char* prefix, std::string_view path) {
    char* name = nullptr;
    if (sd_bus_path_decode(std::string{path}.c_str(), prefix, &name) <= 0)
        return std::nullopt;
    const std::unique_ptr<char, decltype(&std::free)> owner{name, std::free};
    return std::string{name};
}

} // namespace

std::string path_of_machine(std::string_view name) {
    return encoded(machines_path, name);
}

std::optional<std::string> machine_of_path(std::string_view path) {
    return decoded(machines_path, path);
}

std::string path_of_image(std::string_view name) {
    return encoded(images_path, name);
}

std::optional<std::string> image_of_path(std::string_view path) {
    return decoded(images_path, path);
}

std::string path_of_job(std::uint32_t id) {
    return std::string{jobs_path} + "/_" + std::to_string(id);
}

std::optional<std::uint32_t> job_of_path(std::string_view path) {
    const std::string prefix = std::string{jobs_path} + "/_";
    if (!path.starts_with(prefix))
        return std::nullopt;
    return parse_integer<std::uint32_t>(path.substr(prefix.size()));
}

} // namespace machinist
