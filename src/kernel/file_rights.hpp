// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens files with the rights of another user, for as long as it lives: what that user may not, fails.
#pragma once

#include <cstdint>
#include <sys/types.h>
#include <vector>

namespace machinist {

// For root. Of the user's groups only the primary one counts: more are not known for sure.
class FileRightsOfUser {
public:
    FileRightsOfUser(std::uint32_t uid, std::uint32_t gid);
    FileRightsOfUser(const FileRightsOfUser&) = delete;
    FileRightsOfUser& operator=(const FileRightsOfUser&) = delete;
    ~FileRightsOfUser();

private:
    std::vector<gid_t> groups_before_;
    std::uint32_t uid_before_;
    std::uint32_t gid_before_;
};

} // namespace machinist
