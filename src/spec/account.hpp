// SPDX-License-Identifier: LGPL-2.1-or-later
// A user of the machine, looked up in the text of the machine's own passwd and group files: no NSS, no host ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct Account {
    std::string name; // "" for a number that the machine does not know
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups; // beside gid
    std::string home = "/";
    std::string shell; // "" if none is set
    friend bool operator==(const Account&, const Account&) = default;
};

// How much of each file a caller shall read at most (rules R13, R15).
inline constexpr std::size_t account_file_limit = std::size_t{4} << 20;
// Linux takes 65536; what a machine's file says beyond this is left out.
inline constexpr std::size_t account_group_limit = 1024;

// user: NAME or NUMBER, each also with :GROUP (a name or a number). Digits alone are always a number and never looked
// up as a name (CVE-2016-3697); what begins with a digit and is no number is refused, not cut (CVE-2026-30892).
// A number that the file does not have is itself with group 0 unless GROUP is given.
// Throws Failure: invalid for text that names no user, not_found for an unknown name.
Account find_account(std::string_view user, std::string_view passwd, std::string_view group);

} // namespace machinist
