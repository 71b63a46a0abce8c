// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/exports.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/image_changes.hpp"
#include "image/set_aside.hpp"
#include "image/stack.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/files.hpp"
#include "transfer/output_stream.hpp"
#include "transfer/raw_copy.hpp"
#include "transfer/tar_packing.hpp"
#include "transfer/tree_walk.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

constexpr int warning = 4;

// What is read of an image, kept as it is for as long as this lives.
class StillImage {
public:
    StillImage(const Pool& pool, const PoolImage& image) {
        if (image.type == ImageType::subvolume && !image.is_host()) {
            take_snapshot(image);
            return;
        }
        if (image.is_host())
            throw Failure{FailureKind::not_supported, "export the host's own root: it never stands still"};
        hold_.emplace(pool, image, LockMode::shared);
        if (image.type == ImageType::raw || image.type == ImageType::block)
            descriptor_ = open_path(image.path, O_RDONLY | O_NOCTTY);
        else
            descriptor_ = open_image_tree(image.path);
    }
    StillImage(const StillImage&) = delete;
    StillImage& operator=(const StillImage&) = delete;
    ~StillImage() {
        descriptor_.reset();
        if (snapshot_.empty())
            return;
        lock_.reset();
        discard(snapshot_);
    }

    [[nodiscard]] BorrowedFd descriptor() const {
        return descriptor_;
    }

private:
    void take_snapshot(const PoolImage& image) {
        const auto directory = image.path.parent_path();
        snapshot_ = name_in_the_making(directory);
        btrfs::make_snapshot(open_path(image.path, O_RDONLY | O_DIRECTORY),
                             open_path(directory, O_RDONLY | O_DIRECTORY), snapshot_.filename().string());
        lock_ = lock_in_the_making(snapshot_);
        descriptor_ = open_path(snapshot_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    }

    std::optional<ImageHold> hold_;
    std::filesystem::path snapshot_;
    UniqueFd lock_;
    UniqueFd descriptor_;
};

std::uint64_t size_of_disk(BorrowedFd disk) {
    const struct stat status = status_of(disk);
    if (!S_ISBLK(status.st_mode))
        return static_cast<std::uint64_t>(status.st_size);
    std::uint64_t size = 0;
    if (::ioctl(disk.get(), BLKGETSIZE64, &size) < 0)
        throw system_failure("ask for the size of the disk");
    return size;
}

void pack_disk(BorrowedFd disk, OutputStream& stream, ProgressMeter& meter) {
    const std::uint64_t size = size_of_disk(disk);
    std::vector<std::uint8_t> buffer(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < size;) {
        const auto wanted = std::min<std::uint64_t>(buffer.size(), size - at);
        const ssize_t count = ::pread(disk.get(), buffer.data(), wanted, static_cast<off_t>(at));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_failure("read the disk image");
        if (count == 0)
            throw Failure{FailureKind::busy, "the disk image became shorter meanwhile"};
        stream.write(Bytes{buffer}.first(static_cast<std::size_t>(count)));
        at += static_cast<std::uint64_t>(count);
        meter.tick(at);
    }
}

} // namespace

void export_image(const Pool& pool, ExportKind kind, const std::string& name, BorrowedFd to, Compression compression,
                  ProgressMeter& meter) {
    const PoolImage image = pool.get(name);
    const bool is_disk = image.type == ImageType::raw || image.type == ImageType::block;
    if (is_disk != (kind == ExportKind::raw))
        throw Failure{FailureKind::invalid, "image '" + image.name + "' is " + (is_disk ? "a disk" : "a tree")}
            .try_instead(is_disk ? "export-raw" : "export-tar");
    const StillImage still{pool, image};
    if (is_disk) {
        meter.begin(compression == Compression::none ? "copying" : "packing", size_of_disk(still.descriptor()));
        const struct stat status = status_of(to);
        if (compression == Compression::none && S_ISREG(status.st_mode) && status.st_size == 0 &&
            image.type == ImageType::raw) {
            copy_disk(still.descriptor(), to, [&](std::uint64_t bytes) { meter.tick(bytes); });
        } else {
            OutputStream stream{to, compression, meter.cancellation().descriptor()};
            pack_disk(still.descriptor(), stream, meter);
            stream.finish();
        }
    } else {
        meter.begin("packing", measure_tree(still.descriptor()).bytes);
        OutputStream stream{to, compression, meter.cancellation().descriptor()};
        pack_tar(still.descriptor(), stream,
                 {.progress = [&](std::uint64_t bytes) { meter.tick(bytes); },
                  .warn = [&](std::string_view sentence) { meter.say(warning, std::string{sentence}); }});
        stream.finish();
    }
    meter.end();
}

void write_whole(const std::filesystem::path& to, const std::function<void(BorrowedFd file)>& write) {
    struct stat status {};
    if (::stat(to.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        write(open_path(to, O_WRONLY | O_NOCTTY));
        return;
    }
    // Without a name until it is whole: whoever is killed leaves nothing in somebody's directory.
    const auto directory = to.has_parent_path() ? to.parent_path() : std::filesystem::path{"."};
    UniqueFd file{::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666)};
    auto making = name_in_the_making(directory);
    ScopeExit remove_making{[&] { ::unlink(making.c_str()); }};
    const bool has_name = !file;
    if (has_name)
        file = open_path(making, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    write(file);
    const auto link_to = [&](const std::filesystem::path& path) {
        return ::linkat(AT_FDCWD, path_of_descriptor(file).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
    };
    if (::fsync(file.get()) < 0)
        throw system_failure("make '" + to.string() + "'");
    if (!has_name && link_to(to))
        return;
    if ((!has_name && !link_to(making)) || ::rename(making.c_str(), to.c_str()) < 0)
        throw system_failure("make '" + to.string() + "'");
    remove_making.release();
}

void export_image_to(const Pool& pool, ExportKind kind, const std::string& name, const std::filesystem::path& to,
                     Compression compression, ProgressMeter& meter) {
    write_whole(to, [&](BorrowedFd file) { export_image(pool, kind, name, file, compression, meter); });
}

} // namespace machinist
