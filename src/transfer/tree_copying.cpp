// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tree_copying.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/tree_walk.hpp"
#include "transfer/tree_writer.hpp"

#include <array>
#include <climits>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

EntryType type_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return EntryType::directory;
    case S_IFLNK: return EntryType::symlink;
    case S_IFIFO: return EntryType::fifo;
    case S_IFSOCK: return EntryType::socket;
    case S_IFCHR: return EntryType::character_device;
    case S_IFBLK: return EntryType::block_device;
    default: return EntryType::file;
    }
}

class Copying {
public:
    Copying(BorrowedFd into, const CountBytes& progress, const std::function<void(std::string_view)>& warn)
        : progress_(progress), writer_(into, {}, warn) {}

    void run(BorrowedFd from) {
        walk_tree(from, [this](const WalkedEntry& walked) {
            doing("copy '" + escaped_for_people(walked.path) + "'", [&] { put(walked); });
        });
        writer_.finish();
    }

private:
    void put(const WalkedEntry& walked) {
        const auto place = writer_.place_of(walked.path);
        const struct stat& status = walked.status;
        if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
            const auto [known, is_first] = first_names_.try_emplace({status.st_dev, status.st_ino}, walked.path);
            if (!is_first) {
                writer_.make_hard_link(place, known->second);
                return;
            }
        }
        TarEntry entry{.path = walked.path, .type = type_of(status.st_mode)};
        entry.device_major = ::major(status.st_rdev);
        entry.device_minor = ::minor(status.st_rdev);
        entry.attributes = {.owner = status.st_uid,
                            .group = status.st_gid,
                            .mode = status.st_mode & 07777,
                            .modified = status.st_mtim,
                            .extended = {}};
        if (entry.type != EntryType::symlink)
            entry.attributes.extended = attributes_of(walked.parent, walked.name);
        switch (entry.type) {
        case EntryType::file: put_file(place, walked, entry); break;
        case EntryType::directory: writer_.make_directory(place, entry.attributes); break;
        case EntryType::symlink: put_link(place, walked, entry); break;
        default: writer_.make_node(place, entry); break;
        }
    }

    void put_link(const TreeWriter::Place& place, const WalkedEntry& walked, TarEntry& entry) {
        std::array<char, PATH_MAX + 1> target{};
        if (::readlinkat(walked.parent.get(), walked.name.c_str(), target.data(), PATH_MAX) < 0)
            throw system_failure("read the link");
        entry.link_target = target.data();
        writer_.make_symlink(place, entry);
    }

    void put_file(const TreeWriter::Place& place, const WalkedEntry& walked, const TarEntry& entry) {
        const UniqueFd from{::openat(walked.parent.get(), walked.name.c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
        if (!from || status_of(from).st_ino != walked.status.st_ino)
            throw system_failure("open it");
        const UniqueFd to = writer_.make_file(place);
        if (walked.status.st_size > 0)
            copy_disk(from, to, [this](std::uint64_t bytes) { progress_(done_ + bytes); });
        done_ += static_cast<std::uint64_t>(walked.status.st_size);
        progress_(done_);
        writer_.give_attributes(to, entry.attributes);
    }

    const CountBytes& progress_;
    TreeWriter writer_;
    std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
    std::uint64_t done_ = 0;
};

} // namespace

void copy_tree_into(BorrowedFd from, BorrowedFd into, const CountBytes& progress,
                    const std::function<void(std::string_view)>& warn) {
    Copying{into, progress, warn}.run(from);
}

} // namespace machinist
