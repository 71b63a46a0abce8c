// SPDX-License-Identifier: LGPL-2.1-or-later
// Where objects are on the bus.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

inline constexpr const char* manager_path = "/org/freedesktop/machine1";
inline constexpr const char* machines_path = "/org/freedesktop/machine1/machine";
// Of whoever asks.
inline constexpr std::string_view own_machine_path = "/org/freedesktop/machine1/machine/self";

inline constexpr const char* images_path = "/org/freedesktop/machine1/image";

std::string path_of_machine(std::string_view name);
// Nothing for paths that are no machine's.
std::optional<std::string> machine_of_path(std::string_view path);
std::string path_of_image(std::string_view name);
std::optional<std::string> image_of_path(std::string_view path);

inline constexpr const char* jobs_path = "/org/freedesktop/machine1/job";
std::string path_of_job(std::uint32_t id);
std::optional<std::uint32_t> job_of_path(std::string_view path);

} // namespace machinist
