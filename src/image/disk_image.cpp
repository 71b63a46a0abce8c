// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_image.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_plan.hpp"
#include "image/disk_probe.hpp"
#include "image/succession.hpp"
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
    if (!is_root_hash(digits))
        throw Failure{FailureKind::invalid, "read its root hash: " + place + " holds none"};
    return digits;
}

std::filesystem::path beside(const std::filesystem::path& image, const char* suffix) {
    auto path = image;
    if (path.extension() == ".raw")
        path.replace_extension();
    return path.string() + suffix;
}

std::optional<std::string> text_beside(const std::filesystem::path& image, const char* suffix, std::size_t limit) {
    const auto file = beside(image, suffix);
    const auto opened = open_path_if_exists(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened)
        return std::nullopt;
    if (!S_ISREG(status_of(*opened).st_mode))
        throw Failure{FailureKind::hostile, "read '" + file.string() + "': it is no regular file"};
    std::string text = read_all(*opened, limit + 1);
    if (text.size() > limit)
        throw Failure{FailureKind::hostile,
                      "read '" + file.string() + "': it has more than " + std::to_string(limit) + " bytes"};
    return text;
}

// name: "roothash" or "usrhash".
std::optional<std::string> hash_of(BorrowedFd disk, const std::filesystem::path& image, const std::string& name) {
    char value[longest_hash];
    const std::string attribute = "user.verity." + name;
    const ssize_t length = ::fgetxattr(disk.get(), attribute.c_str(), value, sizeof value);
    if (length > 0)
        return hash_in({value, static_cast<std::size_t>(length)}, "its attribute " + attribute);
    const auto text = text_beside(image, ("." + name).c_str(), 2 * longest_hash);
    return text ? std::optional{hash_in(*text, "'" + beside(image, ("." + name).c_str()).string() + "'")}
                : std::nullopt;
}

std::filesystem::path tree_beside(const std::filesystem::path& image) {
    const auto file = beside(image, ".verity");
    return ::access(file.c_str(), R_OK) == 0 ? file : std::filesystem::path{};
}

std::optional<VerityRequest> root_verity(BorrowedFd disk, const std::filesystem::path& image,
                                         const DiskWishes& wishes) {
    auto hash = wishes.root_hash ? wishes.root_hash : hash_of(disk, image, "roothash");
    if (!hash)
        return std::nullopt;
    // What lies beside the image vouches for the hash that lies there.
    auto signature = wishes.root_hash_signature;
    if (!signature && !wishes.root_hash)
        signature = text_beside(image, ".roothash.p7s", longest_root_hash_signature);
    return VerityRequest{.root_hash = std::move(*hash),
                         .signature = signature.value_or(""),
                         .tree_file = wishes.verity_data.value_or(tree_beside(image))};
}

std::optional<VerityRequest> usr_verity(BorrowedFd disk, const std::filesystem::path& image) {
    auto hash = hash_of(disk, image, "usrhash");
    if (!hash)
        return std::nullopt;
    return VerityRequest{.root_hash = std::move(*hash),
                         .signature = text_beside(image, ".usrhash.p7s", longest_root_hash_signature).value_or("")};
}

// A policy that is content with any root hash needs no signature: the certificate of a stranger would only be in the
// way.
std::optional<VerityRequest> verity_of_image(BorrowedFd disk, const DiskLayout& layout, const DiskRequest& request,
                                             Designator data) {
    const auto partition = signature_partition(layout, request, data);
    auto hash = partition ? read_signed_hash(disk, *partition) : std::nullopt;
    if (!hash)
        return std::nullopt;
    const bool is_hash_enough = (request.policy.flags_of(data) & policy::verity) != 0;
    return VerityRequest{.root_hash = std::move(hash->root_hash),
                         .signature = is_hash_enough ? "" : std::move(hash->signature)};
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
        // Else the hashes that lie there might be those of the image that this one replaced.
        finish_successions_in(path.parent_path());
        DiskRequest request;
        request.policy = wishes.policy.value_or(ImagePolicy::of_machines());
        request.root = root_verity(disk, path, wishes);
        if (!wishes.root_hash)
            request.usr = usr_verity(disk, path);
        const DiskLayout layout = probe_disk(disk);
        if (!request.root && !request.usr) {
            auto root = verity_of_image(disk, layout, request, Designator::root);
            request.usr = verity_of_image(disk, layout, request, Designator::usr);
            request.root = std::move(root);
        }
        return plan_disk(layout, request);
    });
}

} // namespace machinist
