// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/submounts.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <climits>
#include <string>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t mount_point_field = 4;

// The kernel writes blanks, tabs, newlines and backslashes as \040 and the like.
std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto octal = text[at] == '\\' && at + 3 < text.size() ? parse_integer<unsigned>(text.substr(at + 1, 3), 8)
                                                                    : std::nullopt;
        if (octal)
            at += 3;
        result += octal ? static_cast<char>(*octal) : text[at];
    }
    return result;
}

} // namespace

std::vector<std::filesystem::path> submounts_in(std::string_view mountinfo, const std::filesystem::path& directory) {
    const std::string prefix = directory == "/" ? "/" : directory.string() + "/";
    std::vector<std::filesystem::path> found;
    for (const auto line : split(mountinfo, '\n')) {
        const auto fields = split(line, ' ');
        if (fields.size() <= mount_point_field)
            continue;
        const std::string mount_point = unescaped(fields[mount_point_field]);
        if (mount_point.size() > prefix.size() && mount_point.starts_with(prefix))
            found.emplace_back(mount_point.substr(prefix.size()));
    }
    std::ranges::sort(found);
    const auto repeated = std::ranges::unique(found);
    found.erase(repeated.begin(), repeated.end());
    return found;
}

std::vector<std::filesystem::path> submounts_below(BorrowedFd directory) {
    char path[PATH_MAX];
    const ssize_t length = ::readlink(path_of_descriptor(directory).c_str(), path, sizeof path);
    if (length < 0)
        throw system_failure("ask for the path of a directory");
    return submounts_in(read_file("/proc/self/mountinfo"), std::string{path, static_cast<std::size_t>(length)});
}

} // namespace machinist
