// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/instances.hpp"

#include "base/failure.hpp"
#include "image/clone_image.hpp"
#include "image/overlay.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr unsigned most_instances = 1000;

// The directory of the stack's upper tree that shows as etc, looking like the one below.
UniqueFd upper_etc(const std::filesystem::path& stack) {
    const struct stat below = [&] {
        const UniqueFd tree = open_image_tree(stack);
        return status_of(open_beneath(tree, "etc", O_PATH | O_DIRECTORY, Links::refuse));
    }();
    const struct stat top = status_of(open_image_tree(stack));
    const UpperLayer layer = open_kept_layer(open_path(stack / "rw", O_RDONLY | O_DIRECTORY));
    if (layer.is_new && (::fchown(layer.upper.get(), top.st_uid, top.st_gid) < 0 ||
                         ::fchmod(layer.upper.get(), top.st_mode & 07777) < 0))
        throw system_failure("give a layer the owner and mode of its image");
    const bool is_new = ::mkdirat(layer.upper.get(), "etc", 0755) == 0;
    if (!is_new && errno != EEXIST)
        throw system_failure("make 'etc' of a layer");
    UniqueFd etc = open_beneath(layer.upper, "etc", O_RDONLY | O_DIRECTORY, Links::refuse);
    if (is_new &&
        (::fchown(etc.get(), below.st_uid, below.st_gid) < 0 || ::fchmod(etc.get(), below.st_mode & 07777) < 0))
        throw system_failure("give a layer the owner and mode of its image");
    return etc;
}

} // namespace

void forget_machine_id(const PoolImage& image) {
    doing("take the machine id out of image '" + image.name + "'", [&] {
        const UniqueFd tree = open_image_tree(image.path);
        const auto shared_etc = open_beneath_if_exists(tree, "etc", O_PATH | O_DIRECTORY, Links::refuse);
        struct stat status {};
        if (!shared_etc || ::fstatat(shared_etc->get(), "machine-id", &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            (S_ISREG(status.st_mode) && status.st_size == 0))
            return;
        const UniqueFd etc = is_stack(image.path) ? upper_etc(image.path)
                                                  : open_beneath(tree, "etc", O_RDONLY | O_DIRECTORY, Links::refuse);
        // An empty one: booting without would be taken for the first boot of the system.
        if (::unlinkat(etc.get(), "machine-id", 0) < 0 && errno != ENOENT)
            throw system_failure("remove 'etc/machine-id'");
        const UniqueFd file{
            ::openat(etc.get(), "machine-id", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444)};
        if (!file || ::fchown(file.get(), status.st_uid, status.st_gid) < 0)
            throw system_failure("make an empty 'etc/machine-id'");
    });
}

std::vector<std::string> make_instances(const Pool& pool, std::string_view image, unsigned count) {
    if (count == 0 || count > most_instances)
        throw Failure{FailureKind::invalid,
                      "make instances of image '" + std::string{image} + "': it must be 1 to 1000 of them"};
    const ImageType type = pool.get(image).type;
    if (type == ImageType::raw || type == ImageType::block)
        throw Failure{FailureKind::not_supported, "make instances of image '" + std::string{image} +
                                                      "': the machine id of a disk image cannot be taken out of it"}
            .try_instead("'machinist clone' and 'machinist run --image=... --uuid=...' for each");
    std::vector<std::string> names;
    for (unsigned number = 1; number <= count; ++number) {
        names.push_back(std::string{image} + "-" + std::to_string(number));
        if (pool.find(names.back()))
            continue;
        clone_image(pool, image, names.back());
        forget_machine_id(pool.get(names.back()));
    }
    return names;
}

} // namespace machinist
