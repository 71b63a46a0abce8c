// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/access_list.hpp"

#include <cstddef>
#include <cstring>
#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

namespace machinist {

bool shift_access_list(std::string& attribute, std::uint32_t base) {
    constexpr std::size_t header_size = sizeof(posix_acl_xattr_header);
    constexpr std::size_t entry_size = sizeof(posix_acl_xattr_entry);
    posix_acl_xattr_header header{};
    if (attribute.size() < header_size || (attribute.size() - header_size) % entry_size != 0)
        return false;
    std::memcpy(&header, attribute.data(), header_size);
    if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
        return false;
    bool changed = false;
    for (std::size_t at = header_size; at < attribute.size(); at += entry_size) {
        posix_acl_xattr_entry entry{};
        std::memcpy(&entry, attribute.data() + at, entry_size);
        const auto tag = le16toh(entry.e_tag);
        if (tag != ACL_USER && tag != ACL_GROUP)
            continue;
        const std::uint32_t shifted = base | (le32toh(entry.e_id) & 0xffff);
        if (shifted == le32toh(entry.e_id))
            continue;
        entry.e_id = htole32(shifted);
        std::memcpy(attribute.data() + at, &entry, entry_size);
        changed = true;
    }
    return changed;
}

} // namespace machinist
