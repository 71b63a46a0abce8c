// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_image.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_plan.hpp"
#include "image/disk_probe.hpp"
#include "kernel/block_device.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t longest_hash = 256;

std::optional<std::string> hash_in(std::string_view text, const std::string& place) {
    const std::string digits = lower_case(trimmed(text));
    if (digits.size() < 32 || digits.size() > longest_hash || digits.size() % 2 != 0 ||
        digits.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw Failure{FailureKind::invalid, "read its root hash: " + place + " holds none"};
    return digits;
}

std::filesystem::path beside(const std::filesystem::path& image, const char* suffix) {
    auto path = image;
    if (path.extension() == ".raw")
        path.replace_extension();
    return path.string() + suffix;
}

std::optional<std::string> root_hash_of(BorrowedFd disk, const std::filesystem::path& image) {
    char value[longest_hash];
    const ssize_t length = ::fgetxattr(disk.get(), "user.verity.roothash", value, sizeof value);
    if (length > 0)
        return hash_in({value, static_cast<std::size_t>(length)}, "its attribute user.verity.roothash");
    const auto file = beside(image, ".roothash");
    const auto opened = open_path_if_exists(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened)
        return std::nullopt;
    if (!S_ISREG(status_of(*opened).st_mode))
        throw Failure{FailureKind::hostile, "read its root hash: '" + file.string() + "' is no regular file"};
    return hash_in(read_all(*opened, 2 * longest_hash), "'" + file.string() + "'");
}

std::string context(const std::filesystem::path& path) {
    return "look at disk image '" + escaped_for_people(path.native()) + "'";
}

} // namespace

bool is_disk_image(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

UniqueFd open_disk_image(const std::filesystem::path& path, int flags) {
    UniqueFd disk = open_path(path, flags | O_NONBLOCK | O_NOCTTY);
    const struct stat status = status_of(disk);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        throw Failure{FailureKind::invalid, "open disk image '" + escaped_for_people(path.native()) +
                                                "': it is neither a file nor a block device"};
    return disk;
}

bool can_be_written(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0)
        return false;
    if (S_ISBLK(status.st_mode)) {
        const auto facts = read_block_device_facts(path);
        return facts && !facts->read_only;
    }
    // Root may write whatever the mode says, and the mode is how images are marked.
    return (status.st_mode & 0222) != 0 && ::access(path.c_str(), W_OK) == 0;
}

DiskLayout read_disk_layout(const std::filesystem::path& path) {
    return doing(context(path), [&] { return probe_disk(open_disk_image(path, O_RDONLY)); });
}

DiskSpec inspect_disk(const std::filesystem::path& path, const DiskWishes& wishes) {
    return doing(context(path), [&] {
        const UniqueFd disk = open_disk_image(path, O_RDONLY);
        DiskRequest request;
        request.policy = wishes.policy.value_or(ImagePolicy::of_machines());
        request.root_hash = wishes.root_hash ? wishes.root_hash : root_hash_of(disk, path);
        request.has_verity_data = wishes.verity_data || ::access(beside(path, ".verity").c_str(), R_OK) == 0;
        return plan_disk(probe_disk(disk), request);
    });
}

} // namespace machinist
