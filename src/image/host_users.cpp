// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/host_users.hpp"

#include "base/text.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace machinist {

namespace {

using Fields = std::vector<std::string>;

// The line of a file whose field has that value.
std::optional<Fields> line_with(const std::string& text, std::size_t field, std::string_view value) {
    for (const std::string_view line : split(text, '\n')) {
        const auto parts = split(line, ':');
        if (parts.size() > field && parts[field] == value)
            return Fields{parts.begin(), parts.end()};
    }
    return std::nullopt;
}

// Those that the user wrote: read beneath the home, whatever links lie there.
std::vector<std::string> ssh_keys_in(const std::filesystem::path& home) {
    std::vector<std::string> keys;
    const auto directory = open_path_if_exists(home, O_PATH | O_DIRECTORY);
    const auto text = directory ? read_untrusted(*directory, ".ssh/authorized_keys") : std::nullopt;
    for (const std::string_view line : split(text.value_or(""), '\n'))
        if (const std::string_view key = trimmed(line);
            !key.empty() && !key.starts_with('#') && is_utf8(key) && !has_control_characters(key))
            keys.emplace_back(key);
    return keys;
}

} // namespace

std::map<std::string, HostUser> read_host_users(const std::vector<std::string>& names,
                                                const std::filesystem::path& root) {
    std::map<std::string, HostUser> users;
    const std::string passwd = read_file_if_exists(root / "etc/passwd").value_or("");
    const std::string groups = read_file_if_exists(root / "etc/group").value_or("");
    const bool may_read_shadow = ::access((root / "etc/shadow").c_str(), R_OK) == 0;
    const std::string shadow = may_read_shadow ? read_file(root / "etc/shadow") : "";
    for (const std::string& name : names) {
        const auto line = line_with(passwd, 0, name);
        const auto uid = line && line->size() >= 7 ? parse_integer<std::uint32_t>((*line)[2]) : std::nullopt;
        const auto gid = uid ? parse_integer<std::uint32_t>((*line)[3]) : std::nullopt;
        if (!gid)
            continue;
        HostUser user{.uid = *uid,
                      .gid = *gid,
                      .group = line_with(groups, 2, (*line)[3]).value_or(Fields{""}).front(),
                      .real_name = std::string{split((*line)[4], ',').front()},
                      .home = (*line)[5],
                      .shell = (*line)[6],
                      .password = {},
                      .ssh_keys = {}};
        if (const auto secret = line_with(shadow, 0, name);
            secret && secret->size() > 1 && (*secret)[1].starts_with('$'))
            user.password = (*secret)[1];
        user.ssh_keys = ssh_keys_in(root / user.home.relative_path());
        users.emplace(name, std::move(user));
    }
    return users;
}

} // namespace machinist
