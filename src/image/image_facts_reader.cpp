// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_facts_reader.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/binary_architecture.hpp"
#include "image/init_detection.hpp"
#include "image/os_release.hpp"
#include "image/stack.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/files.hpp"
#include "spec/account.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::size_t machine_id_limit = 4096;

// A fact that cannot be had is told, and is no reason to stop: what shall be done decides whether it matters.
template <typename Look>
void look_for(ImageFacts& facts, Look&& look) {
    try {
        std::forward<Look>(look)();
    } catch (const Failure& failure) {
        facts.oddities.emplace_back(escaped_for_people(failure.what()));
    }
}

bool is_host_root(const struct stat& directory) {
    struct stat root {};
    return ::stat("/", &root) == 0 && root.st_dev == directory.st_dev && root.st_ino == directory.st_ino;
}

bool is_read_only(BorrowedFd root, bool is_subvolume) {
    struct statvfs filesystem {};
    if (::fstatvfs(root.get(), &filesystem) == 0 && (filesystem.f_flag & ST_RDONLY) != 0)
        return true;
    int flags = 0;
    if (::ioctl(root.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0)
        return true;
    return is_subvolume && btrfs::is_read_only(root);
}

void read_os_release(BorrowedFd root, ImageFacts& facts) {
    for (const char* path : {"etc/os-release", "usr/lib/os-release"}) {
        const auto text = read_untrusted(root, path);
        if (!text)
            continue;
        if (auto fields = parse_os_release(*text))
            facts.os_release = std::move(*fields);
        else
            facts.oddities.push_back(std::string{"read '"} + path + "' in the image: it has a quote without end");
        return;
    }
}

void read_machine_id(BorrowedFd root, ImageFacts& facts) {
    facts.machine_id_state = MachineIdState::unreadable;
    const auto text = read_untrusted(root, "etc/machine-id", machine_id_limit);
    if (!text) {
        facts.machine_id_state = MachineIdState::missing;
        return;
    }
    const auto word = trimmed(*text);
    if (word.empty() || word == "uninitialized") {
        facts.machine_id_state = MachineIdState::unset;
        return;
    }
    facts.machine_id = MachineId::parse(word);
    if (facts.machine_id)
        facts.machine_id_state = MachineIdState::valid;
    else
        facts.oddities.emplace_back("read 'etc/machine-id' in the image: it holds no machine id");
}

std::string read_architecture(BorrowedFd root, const std::string& path) {
    const auto found = open_beneath_if_exists(root, path, O_PATH, Links::inside_root);
    if (!found || !S_ISREG(status_of(*found).st_mode))
        return {};
    const UniqueFd file = open_path(path_of_descriptor(*found), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    constexpr std::size_t enough_of_the_header = 20;
    return architecture_of_elf(read_all(file, enough_of_the_header));
}

bool has_directory(BorrowedFd root, const std::filesystem::path& path) {
    return open_beneath_if_exists(root, path, O_PATH | O_DIRECTORY, Links::inside_root).has_value();
}

bool is_zone_name(const std::string& zone) {
    return !zone.empty() && !zone.starts_with('/') &&
           std::ranges::none_of(std::filesystem::path{zone}, [](const auto& part) { return part == ".."; });
}

bool has_zone(BorrowedFd root, const std::string& zone) {
    const auto file = open_beneath_if_exists(root, "usr/share/zoneinfo/" + zone, O_PATH, Links::inside_root);
    return file && S_ISREG(status_of(*file).st_mode);
}

} // namespace

ImageFacts read_image_facts(const std::filesystem::path& directory, const WantedImageFacts& wanted) {
    ImageFacts facts;
    facts.directory = directory;
    const UniqueFd root{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)};
    if (!root && errno == ENOTDIR)
        facts.oddities.push_back("open '" + directory.string() + "': it is not a directory");
    if (!root && (errno == ENOENT || errno == ENOTDIR))
        return facts;
    if (!root)
        throw system_failure("open '" + directory.string() + "'");

    facts.exists = true;
    if (is_stack(directory)) {
        look_for(facts, [&] { facts.read_only = is_read_only(root, false); });
        read_tree_facts(open_image_tree(directory), wanted, facts);
        return facts;
    }
    look_for(facts, [&] { facts.is_btrfs_subvolume = btrfs::is_subvolume(root); });
    look_for(facts, [&] { facts.read_only = is_read_only(root, facts.is_btrfs_subvolume); });
    read_tree_facts(root, wanted, facts);
    return facts;
}

void read_tree_facts(BorrowedFd root, const WantedImageFacts& wanted, ImageFacts& facts) {
    const struct stat status = status_of(root);
    facts.is_host_root = is_host_root(status);
    facts.owner_uid = status.st_uid;
    facts.owner_gid = status.st_gid;
    look_for(facts, [&] { facts.has_usr = has_directory(root, "usr"); });
    look_for(facts, [&] { read_machine_id(root, facts); });
    if (wanted.os_release)
        look_for(facts, [&] { read_os_release(root, facts); });
    if (wanted.init)
        facts.init = detect_init(root);
    if (wanted.architecture) {
        look_for(facts, [&] {
            if (!facts.init.path.empty())
                facts.architecture = read_architecture(root, facts.init.path);
            if (facts.architecture.empty())
                facts.architecture = read_architecture(root, "bin/sh");
        });
    }
    if (wanted.accounts) {
        look_for(facts, [&] { facts.users = read_untrusted(root, "etc/passwd", account_file_limit).value_or(""); });
        look_for(facts, [&] { facts.groups = read_untrusted(root, "etc/group", account_file_limit).value_or(""); });
    }
    if (is_zone_name(wanted.timezone))
        look_for(facts, [&] { facts.has_zoneinfo_of_host = has_zone(root, wanted.timezone); });
}

} // namespace machinist
