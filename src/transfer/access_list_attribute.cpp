// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/access_list_attribute.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <cstdint>
#include <cstring>
#include <endian.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::uint32_t version = 2;
constexpr std::uint32_t nobody = UINT32_MAX; // the id of entries without one

struct Entry {
    std::uint16_t tag = 0;
    std::uint16_t permissions = 0;
    std::uint32_t id = nobody;
};

struct Tag {
    std::uint16_t kernel;
    int archive;
    bool has_id;
};
constexpr std::array tags{Tag{0x01, ARCHIVE_ENTRY_ACL_USER_OBJ, false},  Tag{0x02, ARCHIVE_ENTRY_ACL_USER, true},
                          Tag{0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ, false}, Tag{0x08, ARCHIVE_ENTRY_ACL_GROUP, true},
                          Tag{0x10, ARCHIVE_ENTRY_ACL_MASK, false},      Tag{0x20, ARCHIVE_ENTRY_ACL_OTHER, false}};

template <typename Number>
void put(std::string& text, Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    text.append(bytes, sizeof bytes);
}

} // namespace

std::optional<std::string> access_list_of(archive_entry* entry, int type,
                                          const std::function<void(const std::string& name)>& unknown) {
    if ((::archive_entry_acl_types(entry) & type) == 0)
        return std::nullopt;
    std::vector<Entry> entries;
    ::archive_entry_acl_reset(entry, type);
    int kind = 0;
    int permissions = 0;
    int tag = 0;
    int id = -1;
    const char* name = nullptr;
    while (::archive_entry_acl_next(entry, type, &kind, &permissions, &tag, &id, &name) == ARCHIVE_OK) {
        const auto* const known = std::ranges::find(tags, tag, &Tag::archive);
        if (known == tags.end())
            throw Failure{FailureKind::not_supported, "its access list is of a kind that Linux has not"};
        if (known->has_id && id < 0) {
            unknown(name != nullptr ? name : "");
            continue;
        }
        entries.push_back({known->kernel, static_cast<std::uint16_t>(permissions & 7),
                           known->has_id ? static_cast<std::uint32_t>(id) : nobody});
    }
    if (entries.size() <= 3 && type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
        return std::nullopt;
    std::ranges::sort(entries, {}, [](const Entry& one) { return std::pair{one.tag, one.id}; });
    std::string attribute;
    put(attribute, htole32(version));
    for (const Entry& one : entries) {
        put(attribute, htole16(one.tag));
        put(attribute, htole16(one.permissions));
        put(attribute, htole32(one.id));
    }
    return attribute;
}

bool add_access_list(archive_entry* entry, int type, std::string_view attribute) {
    constexpr std::size_t entry_size = 8;
    if (attribute.size() < sizeof version || (attribute.size() - sizeof version) % entry_size != 0)
        return false;
    const auto get = [&]<typename Number>(std::size_t at, Number number) {
        std::memcpy(&number, attribute.data() + at, sizeof number);
        return number;
    };
    if (le32toh(get(0, std::uint32_t{})) != version)
        return false;
    for (std::size_t at = sizeof version; at < attribute.size(); at += entry_size) {
        const auto* const known = std::ranges::find(tags, le16toh(get(at, std::uint16_t{})), &Tag::kernel);
        if (known == tags.end())
            return false;
        const int id = known->has_id ? static_cast<int>(le32toh(get(at + 4, std::uint32_t{}))) : -1;
        // Numbers for names: whose name it is on this host has nothing to do with the tree.
        const std::string name = known->has_id ? std::to_string(id) : std::string{};
        if (::archive_entry_acl_add_entry(entry, type, le16toh(get(at + 2, std::uint16_t{})), known->archive, id,
                                          known->has_id ? name.c_str() : nullptr) != ARCHIVE_OK)
            return false;
    }
    return true;
}

} // namespace machinist
