// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "enter/errands.hpp"
#include "enter/pseudo_filesystem.hpp"
#include "enter/tree_copying.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
#include "spec/errand.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

// These run on the host, with the host's rights, for what they read or write there belongs to any user of it. Into the
// machine leads only its root directory; new files are made and renamed, no existing one is ever written.
void refuse_pseudo_source(BorrowedFd directory, const std::string& name) {
    const UniqueFd entry{::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!entry)
        throw system_failure("open '" + name.substr(0, 200) + "'");
    refuse_pseudo_filesystem(entry);
}

Place host_place_of(const std::string& path) {
    if (!path.starts_with('/'))
        throw Failure{FailureKind::invalid, "path '" + path.substr(0, 200) + "' is not absolute"};
    return place_of(path);
}

} // namespace

ErrandResult copy_into_machine(const Order& order, const LeaderView& leader) {
    const std::string& source = order.command[0];
    const std::string& destination = order.command[1];
    check_path_in_machine(destination);
    const Place from = host_place_of(source);
    const Place into = place_of(destination);
    const UniqueFd from_directory = open_path(from.directory, O_PATH | O_DIRECTORY);
    refuse_pseudo_source(from_directory, from.name);

    const MachineRoot root = root_of_machine(order, leader);
    const bool own_users = (leader.namespaces & CLONE_NEWUSER) != 0;
    // What the host's root makes through an idmapped mount belongs to nobody.
    const FilesystemIds as_machine_root{root.uid, root.gid};
    const UniqueFd into_directory = make_directories_beneath(leader.root, into.directory, 0755, Links::inside_root);
    refuse_pseudo_filesystem(into_directory);
    copy_entry(from_directory, from.name, into_directory, into.name,
               {.replace = order.replace,
                .owner = own_users ? std::optional{root.uid} : std::nullopt,
                .privileged_modes = true});
    return {};
}

ErrandResult copy_from_machine(const Order& order, const LeaderView& leader) {
    const std::string& source = order.command[0];
    const std::string& destination = order.command[1];
    check_path_in_machine(source);
    const Place from = place_of(source);
    const Place into = host_place_of(destination);
    const UniqueFd from_directory = open_beneath(leader.root, from.directory, O_PATH | O_DIRECTORY, Links::inside_root);
    refuse_pseudo_source(from_directory, from.name);

    make_directories(into.directory, 0755);
    const UniqueFd into_directory = open_path(into.directory, O_PATH | O_DIRECTORY);
    const bool own_users = (leader.namespaces & CLONE_NEWUSER) != 0;
    // A program of the machine's making would run with the rights of the host's root.
    copy_entry(from_directory, from.name, into_directory, into.name,
               {.replace = order.replace,
                .owner = own_users ? std::optional<std::uint32_t>{0} : std::nullopt,
                .privileged_modes = false});
    return {};
}

} // namespace machinist::enter
