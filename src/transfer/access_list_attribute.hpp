// SPDX-License-Identifier: LGPL-2.1-or-later
// POSIX access lists of archive entries, to and from the form in which the kernel keeps them as an extended attribute.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

struct archive_entry;

namespace machinist {

inline constexpr const char* access_list_name = "system.posix_acl_access";
inline constexpr const char* default_list_name = "system.posix_acl_default";

// type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS or ..._DEFAULT. Nothing if the entry has none beyond its mode. Users and groups
// without a number are left out: whose id a name is, nobody can tell before the tree is there, and what the others may
// do stays as it is. unknown is told their names. Throws Failure(not_supported) for lists that Linux has not.
std::optional<std::string> access_list_of(archive_entry* entry, int type,
                                          const std::function<void(const std::string& name)>& unknown);

// False if the attribute is no access list.
bool add_access_list(archive_entry* entry, int type, std::string_view attribute);

} // namespace machinist
