// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/owned_tree.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/map_owners.hpp"
#include "kernel/file_rights.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"

#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace machinist {

namespace {

constexpr std::uint32_t range_size = 65536;
constexpr int deepest_way = 256;

bool is_same(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool keeps_others_out(const struct stat& directory, const PlainUser& owner) {
    constexpr mode_t others_enter = S_IXGRP | S_IXOTH;
    return (directory.st_uid == owner.uid || directory.st_uid == 0) && (directory.st_mode & others_enter) == 0;
}

UniqueFd directory_above(BorrowedFd directory) {
    UniqueFd above{::openat(directory.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!above)
        throw system_failure("look at the directories above it");
    return above;
}

// Files with the setuid bit that a machine makes are the user's, or of ids that machines of others have on disk, too:
// nobody else may get to them. The tree's own mode is the machine's to change, so it does not count.
bool is_out_of_reach(BorrowedFd tree, const PlainUser& owner) {
    struct stat below = status_of(tree);
    UniqueFd place = directory_above(tree);
    for (int steps = 0; steps < deepest_way; ++steps) {
        const struct stat status = status_of(place);
        if (is_same(status, below))
            return false;
        if (keeps_others_out(status, owner))
            return true;
        below = status;
        place = directory_above(place);
    }
    return false;
}

void judge(BorrowedFd tree, const PlainUser& owner) {
    const std::uint32_t found = status_of(tree).st_uid;
    const bool is_foreign = found == foreign_range && status_of(directory_above(tree)).st_uid == owner.uid;
    if (found != owner.uid && !is_foreign)
        throw Failure{FailureKind::not_permitted, "it belongs to user " + std::to_string(found) + ", not to user " +
                                                      std::to_string(owner.uid) + " who wants to start it"}
            .try_instead("a tree that was unpacked by its user");
    if (!is_out_of_reach(tree, owner))
        throw Failure{FailureKind::not_permitted,
                      "others could reach into it, and run what the machine makes there with its user's rights"}
            .try_instead("a place in a directory that only its user can enter (chmod 700)");
}

std::optional<PlainUser> user_in(std::string_view passwd, std::uint32_t uid) {
    for (const std::string_view line : split(passwd, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 4 || parse_integer<std::uint32_t>(fields[2]) != uid)
            continue;
        if (const auto gid = parse_integer<std::uint32_t>(fields[3]))
            return PlainUser{.uid = uid, .gid = *gid};
    }
    return std::nullopt;
}

} // namespace

UniqueFd open_owned_tree(const std::filesystem::path& path, const PlainUser& owner) {
    return doing("open tree '" + escaped_for_people(path.string()) + "'", [&] {
        const FileRightsOfUser as_user{owner.uid, owner.gid};
        UniqueFd found;
        try {
            found = open_beneath(open_path("/", O_PATH | O_DIRECTORY), path, O_PATH | O_DIRECTORY, Links::inside_root);
        } catch (const Failure& failure) {
            // Its sentence is about images.
            throw failure.error_number() != 0
                ? system_failure("open it as user " + std::to_string(owner.uid), failure.error_number())
                : Failure{failure.kind(), "its way has links that are none"};
        }
        judge(found, owner);
        return open_beneath(found, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    });
}

OwnedTreeMaps maps_of_owned_tree(const PlainUser& owner, std::uint32_t tree_owner, std::uint32_t base) {
    if (tree_owner == foreign_range) {
        const std::vector<IdMap> all{{.inside = foreign_range, .outside = base, .count = range_size}};
        return {.users = all, .groups = all};
    }
    const auto maps = [&](std::uint32_t root) {
        return std::vector<IdMap>{{.inside = root, .outside = base, .count = 1},
                                  {.inside = foreign_range + 1, .outside = base + 1, .count = range_size - 1}};
    };
    return {.users = maps(owner.uid), .groups = maps(owner.gid)};
}

PlainUser plain_user(std::uint32_t uid, const std::filesystem::path& passwd) {
    if (const auto user = user_in(read_file_if_exists(passwd).value_or(""), uid))
        return *user;
    // Users of the network and the like.
    const ProgramResult asked = run_program({"getent", "passwd", std::to_string(uid)});
    if (const auto user = asked.status == 0 ? user_in(asked.output, uid) : std::nullopt)
        return *user;
    throw Failure{FailureKind::not_found, "find user " + std::to_string(uid) + " of this host: there is none"};
}

} // namespace machinist
