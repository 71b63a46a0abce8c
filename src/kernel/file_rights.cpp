// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/file_rights.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <grp.h>
#include <string>
#include <sys/fsuid.h>
#include <unistd.h>

namespace machinist {

namespace {

std::vector<gid_t> current_groups() {
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    if (count < 0)
        throw system_failure("read our groups");
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

std::uint32_t filesystem_user() {
    return static_cast<std::uint32_t>(::setfsuid(static_cast<uid_t>(-1)));
}

} // namespace

FileRightsOfUser::FileRightsOfUser(std::uint32_t uid, std::uint32_t gid)
    : groups_before_(current_groups()),
      uid_before_(filesystem_user()),
      gid_before_(static_cast<std::uint32_t>(::setfsgid(static_cast<gid_t>(-1)))) {
    if (::setgroups(0, nullptr) < 0)
        throw system_failure("open files as user " + std::to_string(uid));
    ::setfsgid(gid);
    // With filesystem user 0 go the capabilities that pass by permissions (capabilities(7)), and they come back with
    // it.
    ::setfsuid(uid);
    const bool done = filesystem_user() == uid;
    if (done)
        return;
    ::setfsgid(gid_before_);
    (void)::setgroups(groups_before_.size(), groups_before_.data());
    throw Failure{FailureKind::not_permitted, "open files as user " + std::to_string(uid)};
}

FileRightsOfUser::~FileRightsOfUser() {
    ::setfsuid(uid_before_);
    ::setfsgid(gid_before_);
    // Without them root would go on with less, which is safe, and with those of somebody else, which is not.
    if (filesystem_user() != uid_before_ || ::setgroups(groups_before_.size(), groups_before_.data()) < 0)
        std::abort();
}

} // namespace machinist
