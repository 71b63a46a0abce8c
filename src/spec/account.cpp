// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/account.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace machinist {

namespace {

// Lines beyond this are no entries that any tool writes.
constexpr std::size_t line_limit = 65536;

// (uid_t)-1 means "no change" to the kernel, so no one can have it.
std::optional<std::uint32_t> id_from(std::string_view text) {
    const auto id = parse_integer<std::uint32_t>(text);
    return id == UINT32_MAX ? std::nullopt : id;
}

// A name as login tools take it: it may not look like a number, an option, a path or an NIS line.
bool is_account_name(std::string_view name) {
    if (name.empty() || name.size() > 256 || name.front() == '-' || name.front() == '+' || name.front() == '.' ||
        (name.front() >= '0' && name.front() <= '9'))
        return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.' || c == '@' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
    });
}

// Calls entry with the fields of each line that has exactly that many, until it returns true.
template <std::size_t count, typename Entry>
void for_each_line(std::string_view text, Entry entry) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.size() > line_limit || line.find('\0') != std::string_view::npos)
            continue;
        std::array<std::string_view, count> fields;
        std::size_t found = 0;
        while (found < count) {
            const std::size_t colon = std::min(line.find(':'), line.size());
            fields[found++] = line.substr(0, colon);
            if (colon == line.size()) {
                line = {};
                break;
            }
            line.remove_prefix(colon + 1);
            if (found == count)
                ++found; // a colon behind the last field
        }
        if (found == count && entry(fields))
            return;
    }
}

struct UserWord {
    std::optional<std::uint32_t> number;
    std::string_view name;
};

UserWord word_from(std::string_view word, std::string_view whole, const char* what) {
    if (const auto number = id_from(word))
        return {.number = number, .name = {}};
    if (!is_account_name(word))
        throw Failure{FailureKind::invalid, "'" + std::string{whole} + "' names no " + what +
                                                ": it must be a name or a number below 4294967295"};
    return {.number = std::nullopt, .name = word};
}

std::uint32_t find_group(std::string_view word, std::string_view whole, std::string_view group) {
    const UserWord wanted = word_from(word, whole, "group");
    if (wanted.number)
        return *wanted.number;
    std::optional<std::uint32_t> gid;
    for_each_line<4>(group, [&](const auto& fields) {
        if (fields[0] == wanted.name)
            gid = id_from(fields[2]);
        return gid.has_value();
    });
    if (!gid)
        throw Failure{FailureKind::not_found, "the machine has no group '" + std::string{word} + "'"};
    return *gid;
}

} // namespace

Account find_account(std::string_view user, std::string_view passwd, std::string_view group) {
    const std::size_t colon = user.find(':');
    const UserWord wanted = word_from(user.substr(0, colon), user, "user");
    Account account;
    bool found = false;
    for_each_line<7>(passwd, [&](const auto& fields) {
        const auto uid = id_from(fields[2]);
        const auto gid = id_from(fields[3]);
        if (!uid || !gid || !is_account_name(fields[0]) ||
            (wanted.number ? *uid != *wanted.number : fields[0] != wanted.name))
            return false;
        account.name = fields[0];
        account.uid = *uid;
        account.gid = *gid;
        if (fields[5].starts_with('/'))
            account.home = fields[5];
        if (fields[6].starts_with('/'))
            account.shell = fields[6];
        return found = true;
    });
    if (!found && wanted.number)
        account.uid = *wanted.number;
    // An image without /etc/passwd has a root nevertheless.
    else if (!found && wanted.name == "root")
        account = {.name = "root", .uid = 0, .gid = 0, .groups = {}, .home = "/root", .shell = ""};
    else if (!found)
        throw Failure{FailureKind::not_found, "the machine has no user '" + std::string{wanted.name} + "'"};
    if (colon != std::string_view::npos) {
        account.gid = find_group(user.substr(colon + 1), user, group);
        return account;
    }
    if (account.name.empty())
        return account;
    for_each_line<4>(group, [&](const auto& fields) {
        const auto gid = id_from(fields[2]);
        std::string_view members = fields[3];
        while (gid && !members.empty()) {
            const std::size_t end = std::min(members.find(','), members.size());
            if (members.substr(0, end) == account.name && *gid != account.gid &&
                std::ranges::find(account.groups, *gid) == account.groups.end())
                account.groups.push_back(*gid);
            members.remove_prefix(std::min(end + 1, members.size()));
        }
        return account.groups.size() >= account_group_limit;
    });
    return account;
}

} // namespace machinist
