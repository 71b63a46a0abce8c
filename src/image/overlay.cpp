// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/overlay.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::size_t attribute_list_limit = 65536;

UniqueFd make_directory_in(BorrowedFd parent, const std::string& name, mode_t mode) {
    if (::mkdirat(parent.get(), name.c_str(), mode) < 0)
        throw system_failure("make directory '" + name + "' of a layer");
    return open_beneath(parent, name, O_RDONLY | O_DIRECTORY, Links::refuse);
}

// The overlay's own records, and those of other overlays, mean nothing outside them.
bool is_worth_copying(std::string_view name) {
    return !name.starts_with("trusted.") && !name.starts_with("user.overlay.");
}

// Best effort, as a filesystem may know fewer kinds than another: labels and access lists of the top directory.
void copy_attributes(BorrowedFd from, BorrowedFd to) {
    std::string names(attribute_list_limit, '\0');
    const ssize_t length = ::flistxattr(from.get(), names.data(), names.size());
    if (length <= 0)
        return;
    names.resize(static_cast<std::size_t>(length));
    std::string value(attribute_list_limit, '\0');
    for (std::size_t at = 0; at < names.size();) {
        const char* name = names.c_str() + at;
        at += std::string_view{name}.size() + 1;
        if (!is_worth_copying(name))
            continue;
        const ssize_t size = ::fgetxattr(from.get(), name, value.data(), value.size());
        if (size >= 0)
            ::fsetxattr(to.get(), name, value.data(), static_cast<std::size_t>(size), 0);
    }
}

// What is seen of an overlay's top directory is the upper one.
void look_like(BorrowedFd lower, BorrowedFd upper) {
    const UniqueFd original = open_beneath(lower, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    const struct stat status = status_of(original);
    if (::fchown(upper.get(), status.st_uid, status.st_gid) < 0 || ::fchmod(upper.get(), status.st_mode & 07777) < 0)
        throw system_failure("give a layer the owner and mode of its image");
    copy_attributes(original, upper);
    const timespec times[2]{status.st_atim, status.st_mtim};
    ::futimens(upper.get(), times);
}

Failure no_upper(const std::filesystem::path& directory, const std::string& why) {
    return Failure{FailureKind::not_supported, "keep a layer in '" + directory.string() + "': " + why}.try_instead(
        "--layer=tmpfs");
}

// The kernel takes such directories too, but then hides what was removed only half.
void check_upper(BorrowedFd directory, const std::filesystem::path& path) {
    struct statfs filesystem {};
    if (::fstatfs(directory.get(), &filesystem) < 0)
        throw system_failure("look at the filesystem of '" + path.string() + "'");
    if (filesystem.f_type == OVERLAYFS_SUPER_MAGIC)
        throw no_upper(path, "it is an overlay itself");
    constexpr const char* probe = "trusted.machinist";
    if (::fsetxattr(directory.get(), probe, "1", 1, 0) < 0)
        throw no_upper(path, "its filesystem keeps no trusted attributes");
    ::fremovexattr(directory.get(), probe);
}

} // namespace

UpperSpace UpperSpace::in_memory(BorrowedFd place, const std::string& size, const std::string& inodes) {
    FilesystemOptions wanted{{{"source", "machinist-layer"}, {"mode", "0755"}}, MOUNT_ATTR_NODEV};
    if (!size.empty())
        wanted.options.emplace_back("size", size);
    if (!inodes.empty())
        wanted.options.emplace_back("nr_inodes", inodes);
    UniqueFd memory = make_filesystem("tmpfs", wanted);
    attach_mount(memory, place);
    return UpperSpace{std::move(memory)};
}

UpperSpace UpperSpace::on_disk(const std::filesystem::path& directory) {
    make_directories(directory.parent_path(), 0700);
    const UniqueFd parent = open_path(directory.parent_path(), O_RDONLY | O_DIRECTORY);
    const std::string name = directory.filename().string();
    remove_tree(parent, name);
    UniqueFd made = make_directory_in(parent, name, 0700);
    check_upper(made, directory);
    return UpperSpace{std::move(made)};
}

UpperLayer UpperSpace::next() {
    const std::string number = made_++ == 0 ? "" : "-" + std::to_string(made_);
    UniqueFd upper = make_directory_in(directory_, "upper" + number, 0755);
    UniqueFd work = make_directory_in(directory_, "work" + number, 0700);
    return {std::move(upper), std::move(work)};
}

UpperLayer open_kept_layer(BorrowedFd directory) {
    const bool is_new = ::mkdirat(directory.get(), "data", 0755) == 0;
    if ((!is_new && errno != EEXIST) || (::mkdirat(directory.get(), "work", 0700) < 0 && errno != EEXIST))
        throw system_failure("make the directories of a layer");
    return {open_beneath(directory, "data", O_RDONLY | O_DIRECTORY, Links::refuse),
            open_beneath(directory, "work", O_RDONLY | O_DIRECTORY, Links::refuse), is_new};
}

namespace {

UniqueFd mount_overlay(const FilesystemOptions& options) {
    try {
        return make_filesystem("overlay", options);
    } catch (Failure& failure) {
        if (failure.error_number() == ENODEV)
            failure.try_instead("a kernel with overlayfs, or --layer=copy");
        throw;
    }
}

// Paths of descriptors need no escapes, whatever the directories are called.
UniqueFd mount_overlay_on(const std::vector<BorrowedFd>& lowers, const FilesystemOptions& rest) {
    FilesystemOptions one_by_one = rest;
    std::string in_one_line;
    for (const BorrowedFd lower : lowers) {
        one_by_one.options.emplace_back("lowerdir+", path_of_descriptor(lower));
        in_one_line.append(in_one_line.empty() ? "" : ":").append(path_of_descriptor(lower));
    }
    FilesystemOptions joined = rest;
    joined.options.emplace_back("lowerdir", in_one_line);
    if (lowers.size() == 1)
        return mount_overlay(joined);
    try {
        return mount_overlay(one_by_one);
    } catch (const Failure& failure) {
        if (failure.error_number() != EINVAL || lowers.size() > most_layers)
            throw;
        return mount_overlay(joined);
    }
}

} // namespace

UniqueFd make_overlay(BorrowedFd lower, const UpperLayer& layer, const OverlayOptions& options) {
    return make_overlay(std::vector{lower}, layer, options);
}

UniqueFd make_overlay(const std::vector<BorrowedFd>& lowers, const UpperLayer& layer, const OverlayOptions& options) {
    if (layer.is_new)
        look_like(lowers.front(), layer.upper);
    FilesystemOptions wanted;
    wanted.attributes = MOUNT_ATTR_NODEV;
    // Renaming directories without redirect_dir fails with EXDEV, which not every package manager copes with.
    wanted.options = {{"source", "machinist-layer"},
                      {"upperdir", path_of_descriptor(layer.upper)},
                      {"workdir", path_of_descriptor(layer.work)}};
    if (in_initial_user_namespace()) {
        wanted.options.emplace_back("redirect_dir", "on");
        wanted.options.emplace_back("metacopy", options.metadata_only_copies ? "on" : "off");
    } else {
        // Trusted attributes are the host's to write, and what they stand for is not to be had by others.
        wanted.options.emplace_back("userxattr", "");
    }
    // The index would tie what is written to these very layers: a clone of it has others.
    wanted.options.emplace_back(options.keep ? std::pair{"index", "off"} : std::pair{"volatile", ""});
    return mount_overlay_on(lowers, wanted);
}

UniqueFd make_read_only_overlay(const std::vector<BorrowedFd>& lowers) {
    const auto records = in_initial_user_namespace() ? std::pair{"redirect_dir", "on"} : std::pair{"userxattr", ""};
    return mount_overlay_on(lowers, {{{"source", "machinist-layer"}, records}, MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY});
}

} // namespace machinist
