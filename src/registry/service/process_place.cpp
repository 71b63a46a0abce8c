// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/process_place.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/files.hpp"

namespace machinist {

UnitPlace place_of_process(pid_t process) {
    try {
        static const std::filesystem::path root = cgroup_root();
        return unit_of_cgroup(cgroup_of(process).lexically_relative(root).string());
    } catch (const Failure&) {
        return {};
    }
}

pid_t parent_of(pid_t process) {
    try {
        constexpr std::string_view key = "PPid:";
        const auto text = read_file_if_exists("/proc/" + std::to_string(process) + "/status");
        if (!text)
            return 0;
        for (const std::string_view line : split(*text, '\n'))
            if (line.starts_with(key))
                return parse_integer<pid_t>(trimmed(line.substr(key.size()))).value_or(0);
    } catch (const Failure&) {
        // It ended while it was read.
    }
    return 0;
}

std::optional<std::filesystem::path> group_of_process(pid_t process, const std::string& unit,
                                                      const std::string& subgroup) {
    if (unit.empty() || subgroup.empty())
        return std::nullopt;
    try {
        std::filesystem::path group;
        bool in_unit = false;
        for (const auto& part : cgroup_of(process)) {
            group /= part;
            if (in_unit)
                return part == subgroup ? std::optional{group} : std::nullopt;
            in_unit = part == unit;
        }
    } catch (const Failure&) {
        // Gone.
    }
    return std::nullopt;
}

} // namespace machinist
